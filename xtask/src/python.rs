//! Finds or installs Python, and the virtual environments of this repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};

use crate::{debian, process};

/// The folders of Python programs that the tests use. A missing folder is skipped.
const PROGRAMS: [&str; 3] = ["tests/chatkit", "tests/schemathesis", "tests/sdks/python"];

/// The file of a program that has the versions of its dependencies.
const REQUIREMENTS: &str = "requirements.txt";

/// A copy of the installed requirements, inside the environment.
const INSTALLED: &str = ".venv/requirements.txt";

/// Makes sure that Python and the dependencies of all programs are installed.
pub(crate) fn install_all() -> Result<()> {
    require()?;
    for folder in programs() {
        install_dependencies(&folder)?;
    }
    Ok(())
}

/// Makes sure that Python can create environments. Tries to install it if it cannot.
fn require() -> Result<()> {
    if is_usable() {
        return Ok(());
    }
    debian::try_install(&["python3", "python3-venv"]);
    ensure!(
        is_usable(),
        "the tests need `python3` with its modules venv, ensurepip and sqlite3 on PATH. Install it \
         (`apt-get install python3 python3-venv` on Debian)"
    );
    Ok(())
}

fn is_usable() -> bool {
    let modules = process::command("python3")
        .args(["-c", "import venv, ensurepip, sqlite3"])
        .output();
    modules.is_ok_and(|output| output.status.success())
}

fn programs() -> impl Iterator<Item = PathBuf> {
    PROGRAMS
        .iter()
        .map(|folder| process::root().join(folder))
        .filter(|folder| folder.join(REQUIREMENTS).is_file())
}

/// Installs the dependencies of a program, unless they match its requirements.
fn install_dependencies(folder: &Path) -> Result<()> {
    let wanted = fs::read(folder.join(REQUIREMENTS))?;
    let installed = folder.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let python = |program: &str, arguments: &[&str]| {
        process::run(
            process::command(program)
                .current_dir(folder)
                .args(arguments),
        )
    };
    python("python3", &["-m", "venv", "--clear", ".venv"])?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--requirement",
        REQUIREMENTS,
    ];
    python(".venv/bin/python", &pip)?;
    fs::write(installed, wanted)?;
    Ok(())
}
