//! The chat page in a real browser, against the started server: what people do with it, what it
//! looks like to a screen reader, and what it does not run of what a model or a user says.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod control;
mod history;

use chatkit_tests::Backend;

use self::control::Stage;

/// Runs the scenarios of a file against a server on this database.
async fn check(backend: Backend, scenarios: &str) {
    let stage = Stage::set(backend).await;
    stage.play(scenarios).await;
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
