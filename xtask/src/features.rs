//! `cargo xtask features`: every crate compiles with each of its features alone, and with none.

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::process;

/// Checks every crate that has features, one combination after the other.
pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()?;
    let packages: Vec<&Package> = metadata.workspace_packages();
    for package in &packages {
        let targets = targets(package, &packages);
        for features in combinations(package) {
            compile(package, &features, targets)
                .with_context(|| format!("{} with --features \"{features}\"", package.name))?;
        }
    }
    Ok(())
}

/// No feature, and each feature alone. Nothing for a crate without features, which every other
/// command compiles in its only form.
fn combinations(package: &Package) -> Vec<String> {
    let mut features: Vec<String> = package.features.keys().cloned().collect();
    features.retain(|feature| feature != "default");
    if !features.is_empty() {
        features.insert(0, String::new());
    }
    features
}

/// The targets to compile. The tests of a crate are left out if they need a crate that depends on
/// it: cargo would then compile both with the features that the other crate asks for.
fn targets(package: &Package, packages: &[&Package]) -> &'static str {
    let tested_by_dependents = packages.iter().any(|other| {
        depends(package, other, DependencyKind::Development)
            && depends(other, package, DependencyKind::Normal)
    });
    if tested_by_dependents {
        "--lib"
    } else {
        "--all-targets"
    }
}

fn depends(package: &Package, on: &Package, kind: DependencyKind) -> bool {
    let mut dependencies = package.dependencies.iter();
    dependencies.any(|dependency| dependency.kind == kind && dependency.name == *on.name)
}

fn compile(package: &Package, features: &str, targets: &str) -> Result<()> {
    process::run(
        process::command("cargo")
            .args(["clippy", "--quiet", "--no-default-features", targets])
            .args(["--package", package.name.as_str()])
            .args(["--features", features])
            // Code that only another feature needs is a warning.
            .args(["--", "-D", "warnings"]),
    )
}
