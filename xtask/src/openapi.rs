//! `cargo xtask openapi`: generates the OpenAPI document, and the TypeScript types from it.
//!
//! Both are checked in, so that readers need no build, and so that a diff shows every change of the
//! contract.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{node, process};

/// The path of the document, relative to the root of the repository.
const DOCUMENT: &str = "openapi/chat-api.yaml";

/// The path of the TypeScript package, relative to the root of the repository.
const CLIENT: &str = "openapi/typescript";

/// The path of the document, relative to the TypeScript package.
const DOCUMENT_FROM_CLIENT: &str = "../chat-api.yaml";

/// The binary that prints the contract.
const SERVER: &str = "chatkit-server";

/// The path of the types, relative to the TypeScript package.
const SCHEMA: &str = "src/schema.ts";

/// The arguments of the command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing, and fails if the files are stale
    #[arg(long)]
    check: bool,
}

/// Writes or checks both files.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { write() }
}

/// Writes both files.
fn write() -> Result<()> {
    let document = process::root().join(DOCUMENT);
    fs::write(&document, contract()?)
        .with_context(|| format!("could not write {}", document.display()))?;
    if let Some(client) = client() {
        generate_schema(&client, &client.join(SCHEMA))?;
    }
    Ok(())
}

/// Fails if one of the files differs from the output of [`write()`].
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

/// The contract that the server prints. The server is built together with the whole workspace, so
/// that its dependencies are not built again with other features.
fn contract() -> Result<String> {
    let build = ["build", "--quiet", "--workspace", "--bin", SERVER];
    process::run(process::command("cargo").args(build))?;
    let server = process::target_directory()?.join("debug").join(SERVER);
    process::read(process::command(server).arg("openapi"))
}

/// The folder of the TypeScript package, if it exists.
fn client() -> Option<PathBuf> {
    let folder = process::root().join(CLIENT);
    folder.is_dir().then_some(folder)
}

/// Generates the types from the document on disk, and writes them to `schema`.
fn generate_schema(client: &Path, schema: &Path) -> Result<()> {
    node::install(client)?;
    process::run(
        process::command("npx")
            .current_dir(client)
            // Never another version than the lock file's.
            .args(["--no-install", "openapi-typescript", DOCUMENT_FROM_CLIENT])
            .arg("-o")
            .arg(schema),
    )
}

/// Fails if `file` does not contain `expected`. A missing file counts as empty.
fn compare(file: &Path, expected: &str) -> Result<()> {
    let found = fs::read_to_string(file).unwrap_or_default();
    let file = file.strip_prefix(process::root()).unwrap_or(file);
    ensure!(
        found == expected,
        "{}:{} is stale: run `cargo xtask openapi`",
        file.display(),
        first_difference(&found, expected),
    );
    Ok(())
}

/// The first line in which two texts differ, counted from 1.
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
    fn the_first_different_line_is_found() {
        assert_eq!(first_difference("a\nb\nc\n", "a\nx\nc\n"), 2);
        assert_eq!(first_difference("", "a\n"), 1);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
    }

    #[test]
    fn the_error_for_a_stale_file_names_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "old\n").unwrap();
        assert!(compare(&file, "old\n").is_ok());

        let error = compare(&file, "new\n").unwrap_err().to_string();
        assert!(error.contains("cargo xtask openapi"), "{error}");
        assert!(compare(&folder.path().join("missing"), "new\n").is_err());
    }
}
