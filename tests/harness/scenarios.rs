//! Scenarios in a real browser: programs in `tests/page/node`, which end well if all went well.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::{process::Command, sync::OnceCell};

/// They are compiled once for all tests of a program.
static BUILT: OnceCell<PathBuf> = OnceCell::const_new();

/// The command that plays the scenarios of a file.
pub async fn command(name: &str) -> Command {
    let folder = BUILT.get_or_init(build).await;
    let mut command = Command::new("node");
    command
        .arg(format!("generated/{name}.js"))
        .current_dir(folder)
        // A terminal that stays open would keep them from ending.
        .stdin(Stdio::null());
    command
}

/// What a program has told, to whom it may concern.
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
