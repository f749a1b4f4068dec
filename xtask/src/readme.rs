//! `cargo xtask readme`: copies files into the README.
//!
//! A block of code after a comment with the path of a file shows that file. The blocks are checked
//! in, because readers see the README without running any program.

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process;

/// The arguments of the command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing, and fails if the README does not show the current files
    #[arg(long)]
    check: bool,
}

/// Writes the README, or checks it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { write() }
}

/// Fails if the README does not show the current files.
pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(path())?;
    ensure!(
        with_files(&text, read)? == text,
        "README.md does not show the current files: run `cargo xtask readme`"
    );
    Ok(())
}

fn write() -> Result<()> {
    let text = fs::read_to_string(path())?;
    fs::write(path(), with_files(&text, read)?)?;
    Ok(())
}

fn path() -> std::path::PathBuf {
    process::root().join("README.md")
}

fn read(path: &str) -> Result<String> {
    let text = fs::read_to_string(process::root().join(path));
    text.with_context(|| format!("could not read {path}, which README.md shows"))
}

/// Returns the text with the current files in its blocks.
fn with_files(text: &str, read: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut result = String::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        result.push_str(line);
        let Some(path) = shown_file(line) else {
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        ensure!(
            fence.starts_with("```"),
            "no block of code follows the comment {path}"
        );
        result.push_str(fence);
        result.push_str(&read(path)?);
        let end = lines.find(|line| line.trim_end() == "```");
        result.push_str(end.with_context(|| format!("the block of {path} has no end"))?);
    }
    Ok(result)
}

/// The path that a comment contains.
fn shown_file(line: &str) -> Option<&str> {
    let comment = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let is_path = comment.contains('/') && !comment.contains(' ');
    is_path.then_some(comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<String> {
        with_files(text, |path| Ok(format!("content of {path}\n")))
    }

    #[test]
    fn a_block_after_a_path_shows_the_file() {
        let text = "a\n<!-- b/c.rs -->\n```rust\nold\nlines\n```\nd\n";
        let expected = "a\n<!-- b/c.rs -->\n```rust\ncontent of b/c.rs\n```\nd\n";
        assert_eq!(with_file(text).unwrap(), expected);
        assert_eq!(with_file(expected).unwrap(), expected);
    }

    #[test]
    fn other_comments_and_blocks_are_unchanged() {
        let text = "<!-- a comment / this -->\n```rust\nold\n```\n";
        assert_eq!(with_file(text).unwrap(), text);
    }

    #[test]
    fn a_path_without_a_complete_block_is_an_error() {
        assert!(with_file("<!-- b/c.rs -->\ntext\n").is_err());
        assert!(with_file("<!-- b/c.rs -->\n```rust\n").is_err());
    }
}
