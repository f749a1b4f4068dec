//! Finds or installs Node, and the dependencies of this repository's Node packages.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Result, ensure};

use crate::{debian, process};

/// The scenarios and measurements of the chat page in a browser.
pub(crate) const PAGE_TESTS: &str = "tests/page/node";

/// The folders of Node packages that the tests use.
const PACKAGES: [&str; 7] = [
    "examples/nextjs-chatkit",
    "openapi/typescript",
    "tests/better-auth",
    "tests/chatkit/node",
    "tests/clients",
    PAGE_TESTS,
    "tests/sdks/node",
];

/// The file of a package that has the versions of its dependencies.
const LOCK: &str = "package-lock.json";

/// The file that npm writes last when it installs dependencies.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// The first two numbers of the oldest supported version of Node.
const OLDEST: (u32, u32) = (20, 19);

/// Makes sure that Node and the dependencies of all packages are installed.
pub(crate) fn install_all() -> Result<()> {
    require()?;
    for folder in PACKAGES {
        install_dependencies(&process::root().join(folder))?;
    }
    Ok(())
}

/// Makes sure that Node and the dependencies of one package are installed.
pub(crate) fn install(folder: &Path) -> Result<()> {
    require()?;
    install_dependencies(folder)
}

/// Makes sure that Node is installed. Tries to install it if it is missing.
fn require() -> Result<()> {
    if is_usable() {
        return Ok(());
    }
    debian::try_install(&["nodejs", "npm"]);
    let (major, minor) = OLDEST;
    ensure!(
        is_usable(),
        "the tests need `node` {major}.{minor} or newer and `npm` on PATH; found {}. Install them \
         (`apt-get install nodejs npm` on Debian 13 and newer, or see https://nodejs.org)",
        found(),
    );
    Ok(())
}

/// Whether Node is new enough, and npm is on `PATH`.
fn is_usable() -> bool {
    let is_new_enough = version().and_then(|version| numbers(&version)) >= Some(OLDEST);
    is_new_enough && process::is_on_path("npm")
}

/// Describes the installed versions of both programs.
fn found() -> String {
    let node = version().unwrap_or_else(|| "no node".to_owned());
    let npm = if process::is_on_path("npm") {
        "npm"
    } else {
        "no npm"
    };
    format!("{} and {npm}", node.trim())
}

/// The version of Node, such as `v20.19.2`.
fn version() -> Option<String> {
    process::read(process::command("node").arg("--version")).ok()
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Installs the dependencies of a package, unless they match its lock file.
fn install_dependencies(folder: &Path) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    process::run(process::command("npm").current_dir(folder).args([
        "ci",
        "--no-audit",
        "--no-fund",
    ]))
}

/// Whether npm has installed the dependencies since the lock file changed.
fn is_installed(folder: &Path) -> bool {
    match (
        modified(&folder.join(INSTALLED)),
        modified(&folder.join(LOCK)),
    ) {
        (Some(installed), Some(changed)) => installed > changed,
        _ => false,
    }
}

/// The time at which a file was last written. `None` if it does not exist.
fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;

    #[test]
    fn versions_are_compared_by_their_first_two_numbers() {
        assert_eq!(numbers("v20.19.2\n"), Some((20, 19)));
        assert!(numbers("v9.20.0") < Some(OLDEST));
        assert!(numbers("v22.0.0") > Some(OLDEST));
        assert_eq!(numbers("no version"), None);
    }

    #[test]
    fn a_package_is_installed_if_npm_ran_after_the_lock_file_changed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        assert!(!is_installed(folder.path()));

        let installed = File::create(folder.path().join(INSTALLED)).unwrap();
        let earlier = SystemTime::now() - Duration::from_mins(1);
        lock.set_modified(earlier).unwrap();
        assert!(is_installed(folder.path()));

        installed
            .set_modified(earlier - Duration::from_mins(1))
            .unwrap();
        assert!(!is_installed(folder.path()));
    }
}
