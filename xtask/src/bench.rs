//! `cargo xtask bench`: what the released server does with a machine, on both databases.

use anyhow::Result;
use clap::Args;

use crate::{browser, node, postgres, process};

/// What the command takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Passed on to the load generator; `-- --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    load: Vec<String>,
}

/// Builds the server as it is released, and the load generator as everything else is built here:
/// it does too little to be worth compiling its dependencies once more.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let postgres = postgres::require()?;
    node::install(&process::root().join(node::PAGE_TESTS))?;
    browser::require()?;
    let server = ["build", "--release", "--package", "chatkit-server"];
    process::run(process::command("cargo").args(server))?;
    let binary = process::target_directory()?.join("release/chatkit-server");
    process::run(
        process::command("cargo")
            // The whole workspace, so that dependencies have the features they have elsewhere.
            .args(["bench", "--quiet", "--workspace", "--profile", "dev"])
            .args(["--bench", "load", "--", "--server"])
            .arg(binary)
            .args(&arguments.load)
            .env(postgres::FOLDER_VARIABLE, postgres),
    )
}
