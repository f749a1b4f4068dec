//! `cargo xtask bench`: measures a release build of the server, on both databases.

use anyhow::Result;
use clap::Args;

use crate::{browser, node, postgres, process};

/// The arguments of the command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Arguments of the load generator, which `-- --help` lists
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    load: Vec<String>,
}

/// Builds the server with the release profile. The load generator has the dev profile, because it
/// is too simple to justify compiling its dependencies again.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let postgres = postgres::require()?;
    node::install(&process::root().join(node::PAGE_TESTS))?;
    browser::require()?;
    let server = ["build", "--release", "--package", "chatkit-server"];
    process::run(process::command("cargo").args(server))?;
    let binary = process::target_directory()?.join("release/chatkit-server");
    process::run(
        process::command("cargo")
            // The whole workspace, so that dependencies are not built again with other features.
            .args(["bench", "--quiet", "--workspace", "--profile", "dev"])
            .args(["--bench", "load", "--", "--server"])
            .arg(binary)
            .args(&arguments.load)
            .env(postgres::FOLDER_VARIABLE, postgres),
    )
}
