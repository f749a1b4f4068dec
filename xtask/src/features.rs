//! `cargo xtask features`: checks and tests every crate with each of its features alone, and with
//! none.

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::process;

/// Checks every crate that has features, one combination after another.
pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()?;
    let packages: Vec<&Package> = metadata.workspace_packages();
    for package in &packages {
        let has_own_tests = !tested_by_dependents(package, &packages);
        for features in combinations(package) {
            check_one(package, &features, has_own_tests)
                .with_context(|| format!("{} with --features \"{features}\"", package.name))?;
        }
    }
    Ok(())
}

/// Returns no feature, and each feature alone. Returns nothing for a crate without features,
/// because other commands check it already.
fn combinations(package: &Package) -> Vec<String> {
    let mut features: Vec<String> = package.features.keys().cloned().collect();
    features.retain(|feature| feature != "default");
    if !features.is_empty() {
        features.insert(0, String::new());
    }
    features
}

/// Whether the tests of a crate need a crate that depends on it. Cargo would compile both with the
/// features that the other crate enables, so these tests run only with all features.
fn tested_by_dependents(package: &Package, packages: &[&Package]) -> bool {
    packages.iter().any(|other| {
        depends(package, other, DependencyKind::Development)
            && depends(other, package, DependencyKind::Normal)
    })
}

fn depends(package: &Package, on: &Package, kind: DependencyKind) -> bool {
    let mut dependencies = package.dependencies.iter();
    dependencies.any(|dependency| dependency.kind == kind && dependency.name == *on.name)
}

fn check_one(package: &Package, features: &str, has_own_tests: bool) -> Result<()> {
    let with_features = |command: &str| {
        let mut cargo = process::command("cargo");
        cargo
            .args([command, "--quiet", "--no-default-features"])
            .args(["--package", package.name.as_str()])
            .args(["--features", features]);
        cargo
    };
    let targets: &[&str] = if has_own_tests {
        &["--all-targets"]
    } else {
        &["--lib", "--bins"]
    };
    let mut clippy = with_features("clippy");
    // Code that only another feature uses is a warning.
    process::run(clippy.args(targets).args(["--", "-D", "warnings"]))?;
    if has_own_tests {
        process::run(&mut with_features("test"))?;
    }
    Ok(())
}
