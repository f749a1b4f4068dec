//! Checks the directions of dependencies that ARCHITECTURE.md describes, between crates and between
//! files.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod circles;

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The crates of the workspace that each crate may depend on.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("chatkit-protocol", &[]),
    ("chatkit-domain", &["chatkit-protocol"]),
    (
        "chatkit-repository",
        &["chatkit-domain", "chatkit-protocol"],
    ),
    ("chatkit-tools", &["chatkit-domain"]),
    (
        "chatkit-agent",
        &["chatkit-domain", "chatkit-protocol", "chatkit-tools"],
    ),
    (
        "chatkit-http",
        &["chatkit-agent", "chatkit-domain", "chatkit-protocol"],
    ),
    ("chatkit-rules", &["chatkit-agent", "chatkit-domain"]),
    ("chatkit-migration", &[]),
    ("chatkit-web", &[]),
    (
        "chatkit-server",
        &[
            "chatkit-agent",
            "chatkit-domain",
            "chatkit-http",
            "chatkit-migration",
            "chatkit-protocol",
            "chatkit-repository",
            "chatkit-rules",
            "chatkit-tools",
            "chatkit-web",
        ],
    ),
];

/// The crates that may depend on each library.
const RESERVED: [(&str, &[&str]); 6] = [
    ("async-openai", &["chatkit-agent"]),
    ("sea-orm", &["chatkit-repository", "chatkit-migration"]),
    ("sea-orm-migration", &["chatkit-migration"]),
    ("sqlx", &["chatkit-repository", "chatkit-migration"]),
    ("poem", &["chatkit-http", "chatkit-web"]),
    ("poem-openapi", &["chatkit-http"]),
];

fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    metadata.packages
}

fn dependencies(package: &Package) -> BTreeSet<String> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn crates_depend_only_on_lower_crates() {
    let packages = packages();
    let ours: BTreeSet<String> = packages.iter().map(|p| p.name.to_string()).collect();
    let found: BTreeMap<String, BTreeSet<String>> = packages
        .iter()
        .filter(|package| !matches!(package.name.as_str(), "chatkit-tests" | "embed" | "xtask"))
        .map(|package| {
            let ours = dependencies(package).intersection(&ours).cloned().collect();
            (package.name.to_string(), ours)
        })
        .collect();
    let allowed: BTreeMap<String, BTreeSet<String>> = ALLOWED
        .into_iter()
        .map(|(name, below)| {
            let below = below.iter().map(ToString::to_string).collect();
            (name.to_owned(), below)
        })
        .collect();
    assert_eq!(found, allowed);
}

#[test]
fn only_their_crates_depend_on_reserved_libraries() {
    for package in packages() {
        for (library, places) in RESERVED {
            let named = dependencies(&package).contains(library);
            let allowed = places.contains(&package.name.as_str());
            assert!(!named || allowed, "{} depends on {library}", package.name);
        }
    }
}
