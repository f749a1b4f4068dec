//! `cargo xtask web`: builds the chat page and the widget.
//!
//! The built files are checked in, so that building the server does not need Node.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use flate2::{Compression, write::GzEncoder};

use crate::{node, process};

/// The folder of the sources, relative to the root of the repository.
const SOURCES: &str = "crates/chatkit-web/ui";

/// The folder of the built files.
const BUILT: &str = "crates/chatkit-web/dist";

/// The only file of the widget. All other files belong to the page.
const WIDGET: &str = "widget.js";

/// The largest size of the page, in compressed bytes.
const PAGE_BUDGET: usize = 180 * 1024;

/// The largest size of the widget, in compressed bytes.
const WIDGET_BUDGET: usize = 70 * 1024;

/// The arguments of the command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing, and fails if the files are stale
    #[arg(long)]
    check: bool,
}

/// The contents of files, by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes or checks the built files.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { write() }
}

/// Builds the page and the widget, and replaces the checked-in files.
fn write() -> Result<()> {
    let files = build()?;
    let folder = process::root().join(BUILT);
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    for (name, content) in &files {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, content).with_context(|| format!("could not write {}", file.display()))?;
    }
    check_size(&files)
}

/// Fails if the checked-in files differ from the output of [`write()`], or are too large.
pub(crate) fn check() -> Result<()> {
    let built = build()?;
    compare(&read(&process::root().join(BUILT))?, &built)?;
    check_size(&built)
}

/// Builds the sources outside the repository, and returns the files.
fn build() -> Result<Files> {
    let sources = process::root().join(SOURCES);
    node::install(&sources)?;
    let folder = tempfile::tempdir()?;
    process::run(
        process::command("npm")
            .current_dir(&sources)
            .env("NODE_ENV", "production")
            .env("OUT_DIR", folder.path())
            .args(["run", "--silent", "build"]),
    )?;
    read(folder.path())
}

/// Reads all files in a folder and its subfolders.
fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next)
            .with_context(|| format!("could not read the folder {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path)?;
                files.insert(path.strip_prefix(folder)?.to_owned(), content);
            }
        }
    }
    Ok(files)
}

fn compare(found: &Files, built: &Files) -> Result<()> {
    let names = found.keys().chain(built.keys());
    for name in names {
        ensure!(
            found.get(name) == built.get(name),
            "{BUILT}/{} is stale: run `cargo xtask web`",
            name.display(),
        );
    }
    Ok(())
}

/// Fails if the compressed page or the compressed widget is too large.
fn check_size(files: &Files) -> Result<()> {
    let (mut page, mut widget) = (0, 0);
    for (name, content) in files {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        let size = encoder.finish()?.len();
        if name == Path::new(WIDGET) {
            widget += size;
        } else {
            page += size;
        }
    }
    for (name, size, budget) in [
        ("page", page, PAGE_BUDGET),
        ("widget", widget, WIDGET_BUDGET),
    ] {
        let (kib, limit) = (size.div_ceil(1024), budget / 1024);
        println!("the {name} has {kib} of at most {limit} KiB");
        ensure!(size <= budget, "the {name} is too large");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> Files {
        let entries = of
            .iter()
            .map(|(name, text)| (name.into(), text.as_bytes().to_vec()));
        entries.collect()
    }

    #[test]
    fn stale_missing_and_extra_files_are_found() {
        let built = files(&[("index.html", "new"), ("assets/a.js", "a")]);
        assert!(compare(&built, &built).is_ok());
        for found in [
            files(&[("index.html", "old"), ("assets/a.js", "a")]),
            files(&[("assets/a.js", "a")]),
            files(&[
                ("index.html", "new"),
                ("assets/a.js", "a"),
                ("assets/b.js", "b"),
            ]),
        ] {
            let error = compare(&found, &built).unwrap_err().to_string();
            assert!(error.contains("cargo xtask web"), "{error}");
        }
    }

    #[test]
    fn files_that_are_too_large_are_refused() {
        assert!(check_size(&files(&[("a", "a")])).is_ok());
        for (name, budget) in [("a", PAGE_BUDGET), (WIDGET, WIDGET_BUDGET)] {
            let mut noise = 1_u64;
            let bytes = (0..budget + 1024).map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise.to_be_bytes()[0]
            });
            let heavy = Files::from([(name.into(), bytes.collect())]);
            assert!(check_size(&heavy).is_err(), "{name}");
        }
    }
}
