//! Finds the server programs of PostgreSQL, with which the tests start a cluster.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{debian, process};

/// The programs that the tests run.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// The folder in which Debian installs them, by version. It is not on `PATH`.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// The variable that names their folder. It takes precedence over all other places.
pub(crate) const FOLDER_VARIABLE: &str = "PG_BIN";

/// Returns the folder with the programs. Tries to install them if they are missing.
pub(crate) fn require() -> Result<PathBuf> {
    if let Some(folder) = find() {
        return Ok(folder);
    }
    debian::try_install(&["postgresql"]);
    find().with_context(|| {
        format!(
            "PostgreSQL's server programs ({}) are missing: searched ${FOLDER_VARIABLE}, \
             {DEBIAN_FOLDER}/*/bin and PATH. Install them (`apt-get install postgresql` on Debian \
             and Ubuntu), or set {FOLDER_VARIABLE} to their folder",
            PROGRAMS.join(", "),
        )
    })
}

/// The first folder that has all programs.
fn find() -> Option<PathBuf> {
    let has_all = |folder: &PathBuf| PROGRAMS.iter().all(|name| folder.join(name).is_file());
    folders().into_iter().find(has_all)
}

/// The folders to search, in this order.
fn folders() -> Vec<PathBuf> {
    let named = env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    named
        .into_iter()
        .chain(newest_first(Path::new(DEBIAN_FOLDER)))
        .chain(process::path_folders())
        .collect()
}

/// The `bin` of each version in `folder`.
fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions
        .iter()
        .map(|version| folder.join(version.to_string()).join("bin"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "17", "15", "not a version"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let expected = ["17/bin", "15/bin", "9/bin"].map(|bin| folder.path().join(bin));
        assert_eq!(newest_first(folder.path()), expected);
    }

    #[test]
    fn a_missing_folder_has_no_versions() {
        assert!(newest_first(Path::new("/no/such/folder")).is_empty());
    }
}
