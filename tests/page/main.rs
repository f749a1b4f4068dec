//! The chat page in a real browser, against the started server: what people do with it, what it
//! looks like to a screen reader, and what it does not run of what a model or a user says.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod control;
mod history;

use std::path::Path;

use chatkit_tests::Backend;
use tokio::{process::Command, sync::OnceCell};

use self::control::Stage;

/// The scenarios are compiled once for all tests.
static BUILT: OnceCell<()> = OnceCell::const_new();

async fn build(folder: &Path) {
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "build"])
        .current_dir(folder);
    let output = command.output().await;
    let output = output.expect("`cargo xtask test` installs what is missing");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

/// Runs the scenarios of a file against a server on this database.
async fn check(backend: Backend, scenarios: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/node");
    BUILT.get_or_init(|| build(&folder)).await;
    let stage = Stage::set(backend).await;
    stage.play(&folder, scenarios).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_chat() {
    check(Backend::Sqlite, "chat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_chat_on_pages_of_others() {
    check(Backend::Sqlite, "widget").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_said_is_run() {
    check(Backend::Sqlite, "attacks").await;
}
