//! `cargo xtask test`: tests a fresh checkout, even on a new machine.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{browser, node, postgres, process, python};

/// The arguments of the command.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Arguments of `cargo test --workspace`
    #[arg(last = true)]
    cargo: Vec<String>,
}

/// Installs the programs that the tests need, and runs the tests. Returns the exit code of `cargo
/// test`, which has already reported failures.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let postgres = postgres::require()?;
    node::install_all()?;
    python::install_all()?;
    browser::require()?;
    let status = process::status(
        process::command("cargo")
            .args(["test", "--workspace"])
            .args(&arguments.cargo)
            .env(postgres::FOLDER_VARIABLE, postgres),
    )?;
    Ok(exit_code(status.code()))
}

/// Converts the exit code of a program. A program that a signal ended has no code, and has failed.
fn exit_code(code: Option<i32>) -> ExitCode {
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
