//! `/api/chat/conversations/{conversation_id}/runs`.

use chatkit_tests::{
    Client, TestServer, eventually,
    model::{FakeModel, Reply, Step},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

fn runs(conversation: &str) -> String {
    format!("/api/chat/conversations/{conversation}/runs")
}

/// Begins a run whose model says half of its answer, and then nothing.
async fn half_answered(model: &FakeModel, client: &Client) -> (String, Value) {
    let id = client.create_conversation().await;
    model.script([Reply::Stream(vec![
        Step::text("This is half of an"),
        Step::Stall,
    ])]);
    let body = json!({"content": "say something long"});
    let before = model.stalled();
    let begun = client.post(&runs(&id), body).await;
    let run = begun.expect(StatusCode::ACCEPTED)["run"].clone();
    eventually("the model stalls", || async { model.stalled() > before }).await;
    (id, run)
}

#[tokio::test]
async fn a_run_is_begun_without_waiting() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let (id, run) = half_answered(&model, &alice).await;
    assert_eq!(run["status"], "running");
    let path = format!("{}/{}", runs(&id), run["id"].as_str().unwrap());
    assert_eq!(alice.get(&path).await.expect(StatusCode::OK), &run);
    let list = format!("/api/chat/conversations/{id}/messages");
    assert_eq!(alice.get(&list).await.body["active_run"], run);
    let busy = alice.post(&runs(&id), json!({"content": "more"})).await;
    let problem = busy.expect_problem(StatusCode::CONFLICT, "run_active");
    assert_eq!(problem["active_run_id"], run["id"]);
}

#[tokio::test]
async fn a_run_that_was_begun_ends_by_itself() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let begun = alice
        .post(&runs(&id), json!({"content": "good morning"}))
        .await;
    let begun_run = begun.expect(StatusCode::ACCEPTED);
    let path = begun.header("location").to_owned();
    let run_id = begun_run["run"]["id"].as_str().unwrap();
    assert_eq!(path, format!("{}/{run_id}", runs(&id)));
    eventually("the run ends", || async {
        alice.get(&path).await.body["status"] == "completed"
    })
    .await;
    let history = alice.history(&id).await;
    assert_eq!(history[0], begun_run["user_message"]);
    assert_eq!(history[1]["content"], "You said: good morning");

    let again = json!({"regenerate": history[0]["id"]});
    let begun = alice.post(&runs(&id), again).await;
    let begun_run = begun.expect(StatusCode::ACCEPTED);
    assert_eq!(begun_run["user_message"]["id"], history[0]["id"]);
    let path = begun.header("location").to_owned();
    eventually("the run ends", || async {
        alice.get(&path).await.body["status"] == "completed"
    })
    .await;
    assert_eq!(alice.history(&id).await.len(), 2);
    let answer = json!({"regenerate": alice.history(&id).await[1]["id"]});
    let refused = alice.post(&runs(&id), answer).await;
    refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "wrong_message");
}

#[tokio::test]
async fn a_repeated_start_with_a_key_is_the_same_run() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let start = async |content: &str| {
        let request = alice
            .request(Method::POST, &runs(&id))
            .header("Idempotency-Key", "one")
            .json(&json!({"content": content}));
        alice.send(request).await
    };
    let first = start("good morning").await;
    let run = first.expect(StatusCode::ACCEPTED)["run"]["id"].clone();
    let path = first.header("location").to_owned();
    eventually("the run ends", || async {
        alice.get(&path).await.body["status"] == "completed"
    })
    .await;
    let second = start("good morning").await;
    assert_eq!(second.expect(StatusCode::ACCEPTED)["run"]["id"], run);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(second.body["run"]["status"], "completed");
    let other = start("good evening").await;
    other.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    assert_eq!(alice.history(&id).await.len(), 2);
}

#[tokio::test]
async fn a_key_stands_for_a_run_that_goes_on_and_is_free_again_when_it_fails() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let replica = server.replica().await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let start = async |client: &Client| {
        let request = client
            .request(Method::POST, &runs(&id))
            .header("Idempotency-Key", "\"one\"")
            .json(&json!({"content": "say something long"}));
        client.send(request).await
    };
    let (text, fails) = (Step::text("Half of"), Step::Abort);
    let pause = Step::Wait(std::time::Duration::from_millis(800));
    model.script([Reply::Stream(vec![text, pause, fails])]);
    let first = start(&alice).await;
    let run = first.expect(StatusCode::ACCEPTED)["run"]["id"].clone();
    for client in [alice.clone(), replica.client("alice")] {
        let same = start(&client).await;
        assert_eq!(same.expect(StatusCode::ACCEPTED)["run"]["id"], run);
        assert_eq!(same.body["run"]["status"], "running");
        assert_eq!(same.body["user_message"], first.body["user_message"]);
        assert_eq!(same.header("idempotency-replayed"), "");
    }
    let path = first.header("location").to_owned();
    let events = alice.follow_to_end(&path, None).await;
    assert_eq!(events[events.len() - 1].name, "run.failed");

    let retried = start(&alice).await;
    assert_ne!(retried.expect(StatusCode::ACCEPTED)["run"]["id"], run);
    assert_eq!(
        retried.body["user_message"]["id"],
        first.body["user_message"]["id"]
    );
    let events = alice.follow_to_end(retried.header("location"), None).await;
    assert_eq!(events[events.len() - 1].name, "run.completed");
    let history = alice.history(&id).await;
    assert_eq!(history.len(), 2, "the message was said once");
    assert_eq!(history[1]["content"], "You said: say something long");
}

#[tokio::test]
async fn what_a_run_is_to_answer_must_be_said_once() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let message = "01890a5d-ac96-774b-bcce-b302099a8059";
    for body in [
        json!({}),
        json!({"content": "a", "regenerate": message}),
        json!({"content": " "}),
        json!({"content": 1}),
        json!({"regenerate": "x"}),
    ] {
        let refused = alice.post(&runs(&id), body).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    let missing = alice.post(&runs(&id), json!({"regenerate": message})).await;
    missing.expect_problem(StatusCode::NOT_FOUND, "message_not_found");
}

#[tokio::test]
async fn a_run_is_stopped_with_what_it_has_said() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let replica = server.replica().await;
    let alice = server.client("alice");
    // Here, and at another server on the same database.
    for stopping in [alice.clone(), replica.client("alice")] {
        let (id, run) = half_answered(&model, &alice).await;
        let path = format!("{}/{}", runs(&id), run["id"].as_str().unwrap());
        // The model has sent it: a moment to arrive.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let asked = stopping.post(&format!("{path}/cancel"), json!({})).await;
        assert_eq!(asked.expect(StatusCode::ACCEPTED)["status"], "running");
        eventually("the run ends", || async {
            alice.get(&path).await.body["status"] == "cancelled"
        })
        .await;
        let history = alice.history(&id).await;
        assert_eq!(history[1]["content"], "This is half of an");
        assert_eq!(history[1]["status"], "incomplete");
        let ended = stopping.post(&format!("{path}/cancel"), json!({})).await;
        assert_eq!(ended.expect(StatusCode::OK)["status"], "cancelled");
        let next = alice.say(&id, "never mind").await;
        assert_eq!(next["assistant_message"]["content"], "You said: never mind");
    }
}

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
        let path = format!("{}/{run}", runs(conversation));
        let missing = alice.get(&path).await;
        missing.expect_problem(StatusCode::NOT_FOUND, "run_not_found");
        let missing = alice.post(&format!("{path}/cancel"), json!({})).await;
        missing.expect_problem(StatusCode::NOT_FOUND, "run_not_found");
    }
}
