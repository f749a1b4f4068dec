//! Scenarios in a real browser: programs in `tests/page/node`, whose exit code is 0 on success.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::{process::Command, sync::OnceCell};

/// The folder of the programs, which are compiled once per test program.
static BUILT: OnceCell<PathBuf> = OnceCell::const_new();

/// Returns the command that runs the scenarios of a file.
pub async fn command(name: &str) -> Command {
    let folder = BUILT.get_or_init(build).await;
    let mut command = Command::new("node");
    command
        .arg(format!("generated/{name}.js"))
        .current_dir(folder)
        // With an open terminal, the program would not end.
        .stdin(Stdio::null());
    command
}

/// The output of a program: standard output, then standard error.
pub fn told(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

async fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/node");
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "build"])
        .current_dir(&folder);
    let output = command.output().await;
    let output = output.expect("`cargo xtask test` installs what is missing");
    assert!(output.status.success(), "{}", told(&output));
    folder
}
