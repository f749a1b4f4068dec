//! `cargo xtask ci`: runs all steps of CI, in order.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result};

use crate::{features, openapi, process, readme, test, tidy, web};

/// The name of a step, and the function that runs it.
type Step = (&'static str, fn() -> Result<()>);

/// The steps before the tests, cheap steps first.
const STEPS: [Step; 9] = [
    ("format", format),
    ("clippy", clippy),
    ("features", features::check),
    ("doc", doc),
    ("openapi", openapi::check),
    ("readme", readme::check),
    ("web", web::check),
    ("tidy", tidy::run),
    ("deny", deny),
];

/// Runs the steps, and stops at the first failure.
///
/// The tests are the last step, and nothing is printed after them, because programs that read the
/// output expect it to end with the test results.
pub(crate) fn run() -> Result<ExitCode> {
    for (name, step) in STEPS {
        println!("==> {name}");
        let start = Instant::now();
        step().with_context(|| format!("{name} failed"))?;
        println!("==> {name} took {:.1} s", start.elapsed().as_secs_f64());
    }
    println!("==> test");
    test::run(&test::Arguments::default())
}

/// Checks the format of the code.
fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])
}

/// Checks that neither the compiler nor a lint warns, with all features and for all targets.
fn clippy() -> Result<()> {
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ])
}

/// Checks that the documentation builds and has no broken links.
fn doc() -> Result<()> {
    process::run(
        process::command("cargo")
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Checks that `deny.toml` allows all dependencies.
fn deny() -> Result<()> {
    cargo(&[
        "deny",
        "check",
        // The graphs of duplicate crates would fill a thousand lines.
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ])
}

/// Runs cargo.
fn cargo(arguments: &[&str]) -> Result<()> {
    process::run(process::command("cargo").args(arguments))
}
