//! The official OpenAI SDKs, unmodified, against the started server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

use std::{path::Path, process::Command};

use chatkit_tests::{
    Backend, TestServer,
    model::{FakeModel, MODEL},
    token,
};

/// Runs a check with the server's address, a token and the model's name.
async fn check(program: &str, arguments: &[&str], folder: &str) {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(Backend::Sqlite, &model, &[]).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sdks")
        .join(folder);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .args([&server.url(), &token::of("alice"), MODEL])
        .current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let output = output.expect("`cargo xtask test` installs what is missing");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_node_works() {
    check("node", &["check.mjs"], "node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_python_works() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdks/python/.venv/bin/python");
    check(&python.to_string_lossy(), &["check.py"], "python").await;
}
