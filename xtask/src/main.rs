//! Commands for developers of this repository: `cargo xtask <command>`.
//!
//! Each command has a file. Other files contain what commands share: `process` runs programs, and
//! `browser`, `debian`, `node`, `postgres` and `python` find or install one program each.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program writes to its terminal"
)]

mod bench;
mod browser;
mod ci;
mod debian;
mod features;
mod node;
mod openapi;
mod postgres;
mod process;
mod python;
mod readme;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Commands for developers of this repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Installs the programs that the tests need, and runs all tests.
    Test(test::Arguments),
    /// Runs all steps of CI, and stops at the first failure.
    Ci,
    /// Measures a release build of the server under load, on SQLite and on PostgreSQL.
    Bench(bench::Arguments),
    /// Generates the OpenAPI document, and the TypeScript types from it.
    Openapi(openapi::Arguments),
    /// Copies the files that the README shows into the README.
    Readme(readme::Arguments),
    /// Builds the chat page and the widget.
    Web(web::Arguments),
    /// Checks and tests every crate with each of its features alone, and with none.
    Features,
    /// Checks conventions that neither the compiler nor a lint checks.
    Tidy,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. Returns the exit code of `cargo test` for commands that end with it.
fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Test(arguments) => return test::run(&arguments),
        Command::Ci => return ci::run(),
        Command::Bench(arguments) => bench::run(&arguments)?,
        Command::Openapi(arguments) => openapi::run(&arguments)?,
        Command::Readme(arguments) => readme::run(&arguments)?,
        Command::Web(arguments) => web::run(&arguments)?,
        Command::Features => features::check()?,
        Command::Tidy => tidy::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
