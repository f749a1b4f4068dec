//! Checks that all dependencies come from the manifest of the workspace, so that each version is
//! written once.

use anyhow::{Context, Result};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Finding;

/// The tables that list dependencies.
const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A finding for each dependency that does not come from the workspace.
pub(super) fn check(path: &str, text: &str) -> Result<Vec<Finding>> {
    let manifest = DeTable::parse(text).with_context(|| format!("could not parse {path}"))?;
    let dependencies = dependency_tables(manifest.get_ref()).flat_map(DeTable::iter);
    let findings = dependencies.filter(|(_, value)| !is_from_workspace(value));
    Ok(findings
        .map(|(name, _)| Finding {
            path: path.to_owned(),
            line: line(text, name.span().start),
            what: format!("`{}` must be `workspace = true`", name.get_ref()),
        })
        .collect())
}

/// The tables of dependencies for all platforms and for single platforms.
fn dependency_tables<'a, 'i>(manifest: &'a DeTable<'i>) -> impl Iterator<Item = &'a DeTable<'i>> {
    let platforms = table(manifest, "target")
        .into_iter()
        .flat_map(DeTable::values);
    let platforms = platforms.filter_map(|platform| platform.get_ref().as_table());
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|owner| KINDS.iter().filter_map(|kind| table(owner, kind)))
}

/// A table within a table.
fn table<'a, 'i>(owner: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    owner.get(name)?.get_ref().as_table()
}

/// Whether a dependency has `workspace = true`.
fn is_from_workspace(dependency: &Spanned<DeValue<'_>>) -> bool {
    let workspace = dependency.get_ref().get("workspace");
    workspace.and_then(|value| value.get_ref().as_bool()) == Some(true)
}

/// The line of a byte, counted from 1.
fn line(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which lines of a manifest have findings.
    fn check_lines(text: &str, expected: &[usize]) {
        let findings = check("Cargo.toml", text).unwrap();
        let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expected, "{findings:?}");
    }

    #[test]
    fn dependencies_of_the_workspace_are_accepted() {
        check_lines("[dependencies]\na.workspace = true\n", &[]);
        check_lines(
            "[dependencies]\na = { workspace = true, features = [] }\n",
            &[],
        );
        check_lines("[dependencies.a]\nworkspace = true\n", &[]);
        check_lines("[package]\nversion = \"1\"\n", &[]);
    }

    #[test]
    fn other_dependencies_are_found_in_every_table() {
        check_lines("[dependencies]\na = \"1\"\n", &[2]);
        check_lines("[dev-dependencies]\n\na = { path = \"../a\" }\n", &[3]);
        check_lines("[build-dependencies.a]\nversion = \"1\"\n", &[1]);
        check_lines("[target.'cfg(unix)'.dependencies]\na = \"1\"\n", &[2]);
        check_lines("[dependencies]\na = { workspace = false }\n", &[2]);
    }

    #[test]
    fn invalid_toml_is_an_error() {
        assert!(check("Cargo.toml", "[").is_err());
    }
}
