//! The server is killed while turns are at each of their events.

use chatkit_tests::{
    Backend, TestDatabase,
    broken_turns::{Break, StrictModel},
};

use crate::process::Process;

const FLAGS: [&str; 1] = ["--max-runs-per-user=1000"];

async fn a_killed_turn_leaves_a_conversation_that_is_answered(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    let strict = StrictModel::start(Break::Silence).await;
    let server = Process::start(database.url(), &strict.model, &FLAGS);
    let turns = strict.start_turns(&server.client("alice")).await;
    strict.all_silent().await;
    server.kill();
    let server = Process::start(database.url(), &strict.model, &FLAGS);
    strict.check_next(&server.client("alice"), &turns).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_turn_leaves_a_conversation_that_is_answered_on_sqlite() {
    a_killed_turn_leaves_a_conversation_that_is_answered(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_turn_leaves_a_conversation_that_is_answered_on_postgresql() {
    a_killed_turn_leaves_a_conversation_that_is_answered(Backend::Postgres).await;
}
