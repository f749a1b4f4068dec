//! `cargo xtask tidy`: checks conventions that neither the compiler nor a lint checks.
//!
//! [`text`] checks any file, and [`manifest`] checks the manifests of packages. Both are pure: they
//! take a path and a text, and return findings.

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

/// A violation of a convention.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The path of the file, relative to the root of the repository.
    path: String,
    /// The line, counted from 1.
    line: usize,
    /// The problem, and its fix.
    what: String,
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Prints all findings. Fails if there are any.
pub(crate) fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    let count = findings.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    ensure!(count == 0, "found {count} {noun}, listed above");
    Ok(())
}

/// Returns the findings in the whole repository.
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

/// The tracked files, and untracked files that are not ignored.
fn files() -> Result<Vec<String>> {
    let top = process::root().display();
    let listed = process::read(
        process::command("git")
            // In CI, another user may own the checkout.
            .args(["-c", &format!("safe.directory={top}")])
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ]),
    )
    .context("could not list the files to check")?;
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

/// Reads the text of a file. Returns `None` for a binary file, and for a deleted file that is still
/// in the index.
fn read(path: &str) -> Result<Option<String>> {
    let file = process::root().join(path);
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(file).with_context(|| format!("could not read {path}"))?;
    Ok(String::from_utf8(bytes).ok())
}
