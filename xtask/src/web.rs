//! `cargo xtask web`: the chat page and the widget, built from their sources.
//!
//! What is built is checked in, so that building the server needs no Node.

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

/// The sources, from the top folder.
const SOURCES: &str = "crates/chatkit-web/ui";

/// What is built of them.
const BUILT: &str = "crates/chatkit-web/dist";

/// The widget, which is one file; all others are the page's.
const WIDGET: &str = "widget.js";

/// The most that the page may weigh, in bytes as they are sent.
const PAGE_BUDGET: usize = 180 * 1024;

/// The most that the widget may weigh, in bytes as they are sent.
const WIDGET_BUDGET: usize = 70 * 1024;

/// What the command takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing, and fails if the files are not what would be built.
    #[arg(long)]
    check: bool,
}

/// Files by their names.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Builds or checks, as asked.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { write() }
}

/// Builds both.
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
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
    }
    weigh(&files)
}

/// Fails if what is checked in is not what [`write()`] would write, or weighs too much.
pub(crate) fn check() -> Result<()> {
    let built = build()?;
    compare(&read(&process::root().join(BUILT))?, &built)?;
    weigh(&built)
}

/// What the sources make, built outside of the repository.
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

/// Every file below a folder.
fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries =
            fs::read_dir(&next).with_context(|| format!("no folder {}", next.display()))?;
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
            "{BUILT}/{} is not what its sources make: run `cargo xtask web`",
            name.display(),
        );
    }
    Ok(())
}

/// Fails if the page or the widget weighs too much, compressed as they are sent.
fn weigh(files: &Files) -> Result<()> {
    let (mut page, mut widget) = (0, 0);
    for (name, content) in files {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        let weight = encoder.finish()?.len();
        if name == Path::new(WIDGET) {
            widget += weight;
        } else {
            page += weight;
        }
    }
    for (name, weight, budget) in [
        ("page", page, PAGE_BUDGET),
        ("widget", widget, WIDGET_BUDGET),
    ] {
        let (weighs, may) = (weight.div_ceil(1024), budget / 1024);
        println!("the {name} weighs {weighs} of {may} KiB");
        ensure!(weight <= budget, "the {name} weighs too much");
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
    fn a_file_that_is_stale_missing_or_left_over_is_named() {
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
    fn what_is_too_heavy_is_refused() {
        assert!(weigh(&files(&[("a", "a")])).is_ok());
        for (name, budget) in [("a", PAGE_BUDGET), (WIDGET, WIDGET_BUDGET)] {
            let mut noise = 1_u64;
            let bytes = (0..budget + 1024).map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise.to_be_bytes()[0]
            });
            let heavy = Files::from([(name.into(), bytes.collect())]);
            assert!(weigh(&heavy).is_err(), "{name}");
        }
    }
}
