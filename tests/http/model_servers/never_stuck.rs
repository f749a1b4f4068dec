//! However a turn ended, and wherever it was, the next message is answered.
//!
//! Killed processes are in the tests of the real binary.

use chatkit_tests::{
    TestServer,
    broken_turns::{Break, StrictModel, turn_count},
};

use crate::BACKEND;

const MANY_RUNS: &str = "--max-runs-per-user=1000";

#[tokio::test]
async fn a_stopped_turn_leaves_a_conversation_that_is_answered() {
    let strict = StrictModel::start(Break::Silence).await;
    let server = TestServer::start_asking(BACKEND, &strict.model, &[MANY_RUNS]).await;
    let alice = server.client("alice");
    let turns = strict.start_turns(&alice).await;
    strict.all_silent().await;
    for turn in &turns {
        turn.stop(&alice).await;
    }
    strict.check_next(&alice, &turns).await;
}

#[tokio::test]
async fn a_failed_turn_leaves_a_conversation_that_is_answered() {
    let strict = StrictModel::start(Break::Cut).await;
    let server = TestServer::start_asking(BACKEND, &strict.model, &[MANY_RUNS]).await;
    let alice = server.client("alice");
    let turns = strict.start_turns(&alice).await;
    strict.check_next(&alice, &turns).await;
}

#[tokio::test]
async fn a_turn_that_times_out_leaves_a_conversation_that_is_answered() {
    let strict = StrictModel::start(Break::Silence).await;
    let flags = [MANY_RUNS, "--model-timeout=5s"];
    let server = TestServer::start_asking(BACKEND, &strict.model, &flags).await;
    let alice = server.client("alice");
    let turns = strict.start_turns(&alice).await;
    strict.check_next(&alice, &turns).await;
}

#[tokio::test]
async fn an_interrupted_turn_leaves_a_conversation_that_is_answered() {
    let strict = StrictModel::start(Break::Silence).await;
    let flags = [MANY_RUNS, "--shutdown-grace=0s"];
    let server = TestServer::start_asking(BACKEND, &strict.model, &flags).await;
    let turns = strict.start_turns(&server.client("alice")).await;
    strict.all_silent().await;
    let server = server.restart().await;
    strict.check_next(&server.client("alice"), &turns).await;
}

/// Four ways to end here, and one more by a kill.
#[test]
fn there_are_enough_points() {
    assert!(5 * turn_count() >= 200);
}
