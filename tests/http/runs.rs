//! `GET /api/chat/conversations/{conversation_id}/runs/{run_id}`.

use chatkit_tests::TestServer;
use reqwest::StatusCode;

use crate::BACKEND;

#[tokio::test]
async fn a_run_is_read_again_as_it_ended() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "Add tasks: a, b and c").await;
    let run = turn["run"]["id"].as_str().unwrap();
    let read = alice
        .get(&format!("/api/chat/conversations/{id}/runs/{run}"))
        .await;
    assert_eq!(read.expect(StatusCode::OK), &turn["run"]);
    let titles: Vec<_> = read.body["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["arguments"]["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["A", "B", "C"]);
}

#[tokio::test]
async fn a_run_is_found_in_its_own_conversation_only() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let (id, other) = (
        alice.create_conversation().await,
        alice.create_conversation().await,
    );
    let turn = alice.say(&id, "hello").await;
    let run = turn["run"]["id"].as_str().unwrap();
    for (conversation, run) in [
        (other.as_str(), run),
        (id.as_str(), id.as_str()),
        (id.as_str(), "no-uuid"),
        ("no-uuid", run),
        ("no-uuid", "no-uuid"),
    ] {
        let missing = alice
            .get(&format!(
                "/api/chat/conversations/{conversation}/runs/{run}"
            ))
            .await;
        missing.expect_problem(StatusCode::NOT_FOUND, "run_not_found");
    }
}
