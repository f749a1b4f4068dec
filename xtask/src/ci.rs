//! `cargo xtask ci`: all that CI runs, in its order.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result};

use crate::{features, openapi, process, readme, test, tidy, web};

/// A step's name, and what runs it.
type Step = (&'static str, fn() -> Result<()>);

/// The steps before the tests, cheap ones first.
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

/// Runs the steps, and stops at the first that fails.
///
/// The tests come last and nothing is printed after them, not even the time they took: programs
/// that read the output expect it to end with the tests' results.
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

/// Is everything formatted?
fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])
}

/// Are the compiler and its lints content, with every feature and in every target?
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

/// Does the documentation build, with every link leading somewhere?
fn doc() -> Result<()> {
    process::run(
        process::command("cargo")
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Are the dependencies what `deny.toml` allows?
fn deny() -> Result<()> {
    cargo(&[
        "deny",
        "check",
        // The graphs of crates that are there twice fill a thousand lines.
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
