//! `Idempotency-Key`, and the bounds of active runs.

use std::time::Duration;

use chatkit_tests::{
    Answer, Client, TestServer, eventually,
    model::{FakeModel, Reply, Step},
};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

async fn send(client: &Client, conversation: &str, content: &str, key: &str) -> Answer {
    let path = format!("/api/chat/conversations/{conversation}/messages");
    let request = client
        .request(Method::POST, &path)
        .header("Idempotency-Key", key)
        .json(&json!({"content": content}));
    client.send(request).await
}

#[tokio::test]
async fn a_repeated_call_is_the_same_turn() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = send(&alice, &id, "hello", "key-1").await;
    first.expect(StatusCode::CREATED);
    assert_eq!(first.header("idempotency-replayed"), "");
    // Quoted or bare, now or after a restart.
    let server = server.restart().await;
    let alice = server.client("alice");
    for key in ["key-1", "\"key-1\""] {
        let again = send(&alice, &id, "hello", key).await;
        assert_eq!(again.expect(StatusCode::CREATED), &first.body);
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    assert_eq!(model.requests().len(), 1);
    assert_eq!(alice.history(&id).await.len(), 2);

    let other = send(&alice, &id, "something else", "key-1").await;
    other.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    let second = alice.create_conversation().await;
    let elsewhere = send(&alice, &second, "hello", "key-1").await;
    elsewhere.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    // Keys are each user's own.
    let bob = server.client("bob");
    let bobs = bob.create_conversation().await;
    send(&bob, &bobs, "hello", "key-1")
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn calls_at_once_wait_for_the_same_answer() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let pause = Step::Wait(Duration::from_millis(300));
    model.script([Reply::Stream(vec![
        Step::text("one"),
        pause,
        Step::end("stop"),
    ])]);
    let answers = join_all((0..4).map(|_| send(&alice, &id, "hello", "key"))).await;
    for answer in &answers {
        assert_eq!(answer.expect(StatusCode::CREATED), &answers[0].body);
    }
    assert_eq!(model.requests().len(), 1);
    assert_eq!(alice.history(&id).await.len(), 2);
}

#[tokio::test]
async fn a_failed_turn_is_answered_again() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::error(401, "invalid_api_key")]);
    let failed = send(&alice, &id, "hello", "key").await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
    let again = send(&alice, &id, "hello", "key").await;
    let turn = again.expect(StatusCode::CREATED);
    assert_eq!(turn["user_message"]["id"], problem["user_message_id"]);
    assert_eq!(alice.history(&id).await.len(), 2);
    let replayed = send(&alice, &id, "hello", "key").await;
    assert_eq!(replayed.expect(StatusCode::CREATED), turn);
}

#[tokio::test]
async fn a_key_is_answered_after_several_failures() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let half = Reply::Raw(vec![Step::text("Half"), Step::Abort]);
    model.script([
        half,
        Reply::error(401, "invalid_api_key"),
        Reply::error(401, "invalid_api_key"),
    ]);
    for _ in 0..3 {
        let failed = send(&alice, &id, "hello", "key").await;
        assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    }
    let answered = send(&alice, &id, "hello", "key").await;
    let turn = answered.expect(StatusCode::CREATED);
    assert_eq!(turn["assistant_message"]["content"], "You said: hello");
    assert_eq!(alice.history(&id).await.len(), 2);
    assert_eq!(model.requests().len(), 4);
}

#[tokio::test]
async fn a_refused_call_is_not_remembered() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    send(&alice, &id, "", "key")
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    send(&alice, &id, "hello", "key")
        .await
        .expect(StatusCode::CREATED);
    for key in ["", "\"\"", "a b", "é", &"x".repeat(256)] {
        let refused = send(&alice, &id, "hello", key).await;
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        assert_eq!(problem["errors"][0]["path"], "Idempotency-Key");
    }
    send(&alice, &id, "hello", &"x".repeat(255))
        .await
        .expect(StatusCode::CREATED);
}

/// Sends to a conversation each, to a model that never ends its answers.
async fn busy(model: &FakeModel, client: &Client, count: usize) -> Vec<(String, Value)> {
    let before = model.requests().len();
    model.script(vec![
        Reply::Stream(vec![Step::text("…"), Step::Stall]);
        count
    ]);
    let mut started = Vec::new();
    for index in 0..count {
        let id = client.create_conversation().await;
        let path = format!("/api/chat/conversations/{id}/messages");
        let request = client
            .request(Method::POST, &path)
            .json(&json!({"content": "go"}));
        // The call itself never ends: it is given up, the run is not.
        let waiting = request.timeout(Duration::from_millis(150)).send().await;
        assert!(waiting.is_err());
        eventually("the model is asked", async || {
            model.requests().len() > before + index
        })
        .await;
        started.push((id, Value::Null));
    }
    started
}

#[tokio::test]
async fn a_user_has_a_bounded_number_of_answers_under_way() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--max-runs-per-user=2"]).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let started = busy(&model, &alice, 2).await;
    let refused = alice.post("/api/v1/chat", json!({"message": "hi"})).await;
    refused.expect_problem(StatusCode::TOO_MANY_REQUESTS, "too_many_runs");
    assert_eq!(refused.header("retry-after"), "2");
    let list = alice.get("/api/chat/conversations").await;
    assert_eq!(list.body["conversations"].as_array().unwrap().len(), 2);
    bob.post("/api/v1/chat", json!({"message": "hi"}))
        .await
        .expect(StatusCode::OK);
    alice
        .delete(&format!("/api/chat/conversations/{}", started[0].0))
        .await
        .expect(StatusCode::NO_CONTENT);
    eventually("a place is free", async || {
        let answer = alice.post("/api/v1/chat", json!({"message": "hi"})).await;
        answer.status == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn a_process_has_a_bounded_number_of_answers_under_way() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--max-runs=1"]).await;
    busy(&model, &server.client("alice"), 1).await;
    let refused = server
        .client("bob")
        .post("/api/v1/chat", json!({"message": "hi"}))
        .await;
    refused.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "busy");
    assert_eq!(refused.header("retry-after"), "2");
}

#[tokio::test]
async fn a_turn_that_was_answered_again_is_still_what_it_was() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = alice.say(&id, "hello").await;
    let path = format!("/api/chat/conversations/{id}/messages");
    let send = async || {
        let request = alice
            .request(reqwest::Method::POST, &path)
            .header("Idempotency-Key", "second")
            .json(&json!({"content": "and again"}));
        alice.send(request).await
    };
    let second = send().await;
    second.expect(StatusCode::CREATED);
    let message = first["user_message"]["id"].as_str().unwrap();
    let again = alice
        .post(&format!("{path}/{message}/regenerate"), json!({}))
        .await;
    again.expect(StatusCode::CREATED);
    assert_eq!(alice.history(&id).await.len(), 2);
    let repeated = send().await;
    assert_eq!(repeated.expect(StatusCode::CREATED), &second.body);
    assert_eq!(repeated.header("idempotency-replayed"), "true");
}
