//! The ChatKit protocol, judged by the reference package's own types: every event and every answer
//! is read by its models and compared with what they would have written.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

use std::{path::Path, process::Command};

use chatkit_tests::{Backend, TestServer, model::FakeModel, token};

/// What the server does not do yet.
const SKIPPED: [&str; 1] = ["attachment"];

/// Runs every scenario against a server on this database.
async fn check(backend: Backend, path: &str) {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(backend, &model, &[]).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("chatkit");
    let authorization = |user: &str| format!("Authorization: Bearer {}", token::of(user));
    let mut command = Command::new(folder.join(".venv/bin/python"));
    command
        .arg("conformance/chatkit_conformance.py")
        .args(["--base-url", &server.url(), "--path", path])
        .args(["--header", &authorization("alice")])
        .args(["--other-header", &authorization("bob")])
        .args(SKIPPED.iter().flat_map(|name| ["--skip", name]))
        .current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let output = output.expect("`cargo xtask test` installs what is missing");
    let told = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complained}");
    let passed: Option<u32> = told
        .lines()
        .find_map(|line| line.split_once(" passed")?.0.trim().parse().ok());
    assert!(passed.is_some_and(|passed| passed >= 20), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_spoken_on_sqlite() {
    check(Backend::Sqlite, "/chatkit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_spoken_on_postgresql() {
    check(Backend::Postgres, "/api/v1/chatkit").await;
}
