//! `cargo xtask test`: the one command that tests a fresh checkout, on a bare machine too.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{browser, node, postgres, process, python};

/// What the command takes.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Passed on to `cargo test --workspace`.
    #[arg(last = true)]
    cargo: Vec<String>,
}

/// Installs what the tests need and runs them. Ends as `cargo test` does, which has then said why.
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

/// The same code. A program that a signal ended has none, and failed.
fn exit_code(code: Option<i32>) -> ExitCode {
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
