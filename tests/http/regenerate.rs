//! Answering again, and rating answers.

use chatkit_tests::{
    TestServer,
    model::{FakeModel, Reply},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::BACKEND;

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

#[tokio::test]
async fn a_new_answer_replaces_what_came_after_the_message() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = alice.say(&id, "one").await;
    alice.say(&id, "two").await;
    let messages = format!("/api/chat/conversations/{id}/messages");
    let gone = alice.history(&id).await[3].clone();
    let path = format!(
        "{messages}/{}/regenerate",
        text(&first["user_message"], "id")
    );
    model.script([Reply::text("A better answer.")]);
    let turn = alice.post(&path, json!({})).await;
    let turn = turn.expect(StatusCode::CREATED);
    assert_eq!(turn["user_message"]["id"], first["user_message"]["id"]);
    assert_eq!(turn["assistant_message"]["content"], "A better answer.");
    let history = alice.history(&id).await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1], turn["assistant_message"]);
    let conversation = alice.get(&format!("/api/chat/conversations/{id}")).await;
    assert_eq!(conversation.body["message_count"], 2);
    // Who was further is told to begin anew.
    let since = alice
        .get(&format!("{messages}?since={}", text(&gone, "id")))
        .await;
    assert_eq!(since.body["reset"], true);
    // The model was not shown what was replaced.
    let requests = model.requests();
    assert_eq!(requests[2]["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn when_there_is_no_new_answer_the_old_ones_come_back() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = alice.say(&id, "one").await;
    alice.say(&id, "two").await;
    let before = alice.history(&id).await;
    let message = text(&first["user_message"], "id");
    let path = format!("/api/chat/conversations/{id}/messages/{message}/regenerate");
    model.script([Reply::error(401, "invalid_api_key")]);
    let failed = alice.post(&path, json!({})).await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
    assert_eq!(problem["user_message_id"], first["user_message"]["id"]);
    assert_eq!(alice.history(&id).await, before);
}

#[tokio::test]
async fn what_a_failed_run_did_is_not_done_again() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let add = Reply::calls(&[("a", "add_task", "{\"title\":\"Milk\"}")]);
    model.script([add, Reply::error(401, "invalid_api_key")]);
    let path = format!("/api/chat/conversations/{id}/messages");
    let failed = alice.post(&path, json!({"content": "add milk"})).await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
    let run = text(problem, "run_id");
    let run = alice
        .get(&format!("/api/chat/conversations/{id}/runs/{run}"))
        .await;
    assert_eq!(run.body["tool_calls"][0]["status"], "success");

    let again = format!("{path}/{}/regenerate", text(problem, "user_message_id"));
    model.script([Reply::text("Milk is on your list.")]);
    alice
        .post(&again, json!({}))
        .await
        .expect(StatusCode::CREATED);
    let requests = model.requests();
    let messages = requests[2]["messages"].as_array().unwrap();
    let roles: Vec<_> = messages
        .iter()
        .map(|message| text(message, "role"))
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    assert_eq!(messages[2]["tool_calls"][0]["id"], "a");
    assert!(text(&messages[3], "content").contains("\"number\":1"));
}

#[tokio::test]
async fn only_a_users_message_of_this_history_is_answered_again() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let (id, other) = (
        alice.create_conversation().await,
        alice.create_conversation().await,
    );
    let turn = alice.say(&id, "one").await;
    let foreign = alice.say(&other, "two").await;
    let messages = format!("/api/chat/conversations/{id}/messages");
    let answer = text(&turn["assistant_message"], "id");
    let wrong = alice
        .post(&format!("{messages}/{answer}/regenerate"), json!({}))
        .await;
    wrong.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "wrong_message");
    for message in [text(&foreign["user_message"], "id"), "no-uuid"] {
        let missing = alice
            .post(&format!("{messages}/{message}/regenerate"), json!({}))
            .await;
        missing.expect_problem(StatusCode::NOT_FOUND, "message_not_found");
    }
    assert_eq!(alice.history(&id).await.len(), 2);
}

#[tokio::test]
async fn answers_are_rated() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "hello").await;
    let path = |message: &str| format!("/api/chat/conversations/{id}/messages/{message}/feedback");
    let answer = text(&turn["assistant_message"], "id");
    for kind in [json!("positive"), json!("negative"), json!(null)] {
        let rated = alice.put(&path(answer), json!({"kind": kind})).await;
        assert_eq!(rated.status, StatusCode::NO_CONTENT, "{}", rated.text);
        assert_eq!(alice.history(&id).await[1]["feedback"], kind);
    }
    for body in [
        json!({}),
        json!({"kind": "good"}),
        json!({"kind": 1}),
        json!({"kind": {"positive": null}}),
    ] {
        let refused = alice.put(&path(answer), body).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    let question = text(&turn["user_message"], "id");
    let wrong = alice
        .put(&path(question), json!({"kind": "positive"}))
        .await;
    wrong.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "wrong_message");
}
