//! Commands for whoever works on this repository: `cargo xtask <command>`.
//!
//! One file per command. What the commands share stands beside them, one file per outside
//! program: `process` runs any of them, `debian`, `node` and `postgres` know one each.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
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

/// Commands for whoever works on this repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Installs what the tests need, then runs all of them.
    Test(test::Arguments),
    /// Runs what CI runs, and stops at the first failure.
    Ci,
    /// Measures the released server under load, on SQLite and on PostgreSQL.
    Bench(bench::Arguments),
    /// Writes the API's document, and the TypeScript types made from it.
    Openapi(openapi::Arguments),
    /// Writes the files that the README shows into it.
    Readme(readme::Arguments),
    /// Builds the chat page.
    Web(web::Arguments),
    /// Checks that every crate compiles with each of its features alone, and with none.
    Features,
    /// Checks the conventions that no compiler and no lint knows.
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

/// Runs one command. A command that ends in another program passes on how that one ended.
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
