//! The ChatKit protocol, judged twice. By the reference package's own types: every event and every
//! answer is read by its models and compared with what they would have written. And by a client
//! that does what the component does, and must then have what the server has.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

use std::{path::Path, process::Command};

use chatkit_tests::{
    Backend, TestServer,
    model::{FakeModel, MODEL, Reply, Step},
    token,
};

/// What the server does not do yet.
const SKIPPED: [&str; 1] = ["attachment"];

/// Runs a program to its end. Returns what it said.
async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let output = output.expect("`cargo xtask test` installs what is missing");
    let told = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complained}");
    told.into_owned()
}

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
    let told = run(command).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_spoken_as_the_component_does() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(Backend::Sqlite, &model, &[]).await;
    // As `node/src/scenario.ts` expects it. Behind this, what is said is repeated.
    let silent = || {
        Reply::Stream(vec![
            Step::text("Once upon a time, "),
            Step::text("there was"),
            Step::Stall,
        ])
    };
    model.script([
        Reply::text("Grüße, Ada! 👋\nWas liegt\u{2028}heute an?"),
        Reply::calls(&[
            ("c1", "add_task", r#"{"title":"Milk"}"#),
            ("c2", "list_tasks", "{}"),
        ]),
        Reply::Stream(vec![
            Step::text("One moment, please."),
            Step::call(0, "c3", "list_tasks", "{}"),
            Step::end("tool_calls"),
        ]),
        Reply::text("It is on your list now."),
        silent(),
        Reply::text("The end came soon."),
        Reply::text("Another end came."),
        Reply::text("No story today, sorry."),
        silent(),
        Reply::Stream(vec![Step::text("It will fa"), Step::Abort]),
    ]);
    let mut command = Command::new("npm");
    command
        .args(["test", "--silent", "--"])
        .args([&server.url(), &token::of("alice"), MODEL])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("chatkit/node"));
    assert_eq!(run(command).await.trim(), "ok");
}
