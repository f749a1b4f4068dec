//! `cargo xtask openapi`: the API's document, and the TypeScript types made from it.
//!
//! Both are checked in, so that who reads or uses them needs no build, and so that a change of the
//! contract shows in a diff.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{node, process};

/// The document, from the top folder.
const DOCUMENT: &str = "openapi/chat-api.yaml";

/// The TypeScript package, from the top folder.
const CLIENT: &str = "openapi/typescript";

/// The document, from the TypeScript package.
const DOCUMENT_FROM_CLIENT: &str = "../chat-api.yaml";

/// The binary that prints the contract.
const SERVER: &str = "chatkit-server";

/// The types, from the TypeScript package.
const SCHEMA: &str = "src/schema.ts";

/// What the command takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing, and fails if the files are not what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or checks, as asked.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { write() }
}

/// Writes both files.
fn write() -> Result<()> {
    let document = process::root().join(DOCUMENT);
    fs::write(&document, contract()?)
        .with_context(|| format!("cannot write {}", document.display()))?;
    if let Some(client) = client() {
        generate_schema(&client, &client.join(SCHEMA))?;
    }
    Ok(())
}

/// Fails if one of the files is not what [`write()`] would write.
pub(crate) fn check() -> Result<()> {
    compare(&process::root().join(DOCUMENT), &contract()?)?;
    if let Some(client) = client() {
        let folder = tempfile::tempdir()?;
        let schema = folder.path().join("schema.ts");
        generate_schema(&client, &schema)?;
        compare(&client.join(SCHEMA), &fs::read_to_string(schema)?)?;
    }
    Ok(())
}

/// The contract as the server prints it. The server is built together with the whole workspace,
/// so that its dependencies are compiled with the features that every other command uses too.
fn contract() -> Result<String> {
    let build = ["build", "--quiet", "--workspace", "--bin", SERVER];
    process::run(process::command("cargo").args(build))?;
    let server = process::target_directory()?.join("debug").join(SERVER);
    process::read(process::command(server).arg("openapi"))
}

/// The TypeScript package's folder, if there is one.
fn client() -> Option<PathBuf> {
    let folder = process::root().join(CLIENT);
    folder.is_dir().then_some(folder)
}

/// Writes the types of the document on disk to `schema`.
fn generate_schema(client: &Path, schema: &Path) -> Result<()> {
    node::install(client)?;
    process::run(
        process::command("npx")
            .current_dir(client)
            // Only ever the version that the lock file names.
            .args(["--no-install", "openapi-typescript", DOCUMENT_FROM_CLIENT])
            .arg("-o")
            .arg(schema),
    )
}

/// Fails if `file` does not hold `expected`. A file that is not there holds nothing.
fn compare(file: &Path, expected: &str) -> Result<()> {
    let found = fs::read_to_string(file).unwrap_or_default();
    let file = file.strip_prefix(process::root()).unwrap_or(file);
    ensure!(
        found == expected,
        "{}:{} is not what the code says: run `cargo xtask openapi`",
        file.display(),
        first_difference(&found, expected),
    );
    Ok(())
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(one: &str, other: &str) -> usize {
    let same = one
        .split('\n')
        .zip(other.split('\n'))
        .take_while(|(one, other)| one == other);
    same.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\nc\n", "a\nx\nc\n"), 2);
        assert_eq!(first_difference("", "a\n"), 1);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
    }

    #[test]
    fn a_stale_file_names_the_command_that_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "old\n").unwrap();
        assert!(compare(&file, "old\n").is_ok());

        let error = compare(&file, "new\n").unwrap_err().to_string();
        assert!(error.contains("cargo xtask openapi"), "{error}");
        assert!(compare(&folder.path().join("missing"), "new\n").is_err());
    }
}
