//! `cargo xtask tidy`: the conventions that no compiler and no lint knows.
//!
//! [`text`] reads any file, [`manifest`] the packages' manifests. Both are pure: they take a path
//! and a text, and return what they found.

mod manifest;
mod text;

use std::{
    collections::BTreeSet,
    fmt::{self, Display, Formatter},
    fs,
};

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::process;

/// One breach of a convention.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The file, from the top folder.
    path: String,
    /// The line, counted from 1.
    line: usize,
    /// What is wrong, and what to do instead.
    what: String,
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Prints every finding, then fails if there are any.
pub(crate) fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    let count = findings.len();
    ensure!(count == 0, "what to tidy up, listed above: {count}");
    Ok(())
}

/// What is wrong in the whole repository.
fn findings() -> Result<Vec<Finding>> {
    let manifests = manifests()?;
    let mut findings = Vec::new();
    for path in files()? {
        let Some(text) = read(&path)? else {
            continue;
        };
        findings.extend(text::check(&path, &text));
        if manifests.contains(&path) {
            findings.extend(manifest::check(&path, &text)?);
        }
    }
    Ok(findings)
}

/// The files that git knows, and those it will know once they are added.
fn files() -> Result<Vec<String>> {
    let top = process::root().display();
    let listed = process::read(
        process::command("git")
            // CI may run as another user than the one who checked out.
            .args(["-c", &format!("safe.directory={top}")])
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ]),
    )
    .context("the files to check are those that git lists")?;
    Ok(listed.split_terminator('\0').map(str::to_owned).collect())
}

/// The manifests of the workspace's packages.
fn manifests() -> Result<BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()?;
    let manifests = metadata.packages.iter().filter_map(|package| {
        let path = package.manifest_path.strip_prefix(process::root());
        path.ok().map(ToString::to_string)
    });
    Ok(manifests.collect())
}

/// A file's text. There is none in a picture, nor in a file that was deleted but not yet in git.
fn read(path: &str) -> Result<Option<String>> {
    let file = process::root().join(path);
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(file).with_context(|| format!("cannot read {path}"))?;
    Ok(String::from_utf8(bytes).ok())
}
