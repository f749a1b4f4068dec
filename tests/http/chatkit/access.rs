//! Every operation, asked by whom it is nothing to.

use chatkit_tests::TestServer;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ask, create, items, said};
use crate::BACKEND;

/// What can be asked of a thread and an item in it.
fn of_thread(thread: &str, item: &Value) -> [(&'static str, Value); 8] {
    let ids = json!([item]);
    [
        ("threads.get_by_id", json!({"thread_id": thread})),
        (
            "threads.update",
            json!({"thread_id": thread, "title": "Mine"}),
        ),
        ("threads.delete", json!({"thread_id": thread})),
        ("threads.list", json!({"after": thread})),
        (
            "threads.add_user_message",
            json!({"thread_id": thread, "input": said("Hi")}),
        ),
        (
            "threads.retry_after_item",
            json!({"thread_id": thread, "item_id": item}),
        ),
        ("items.list", json!({"thread_id": thread})),
        (
            "items.feedback",
            json!({"thread_id": thread, "item_ids": ids, "kind": "negative"}),
        ),
    ]
}

/// Every operation but the one that begins a thread of one's own.
fn every_operation(thread: &str, item: &Value) -> Vec<(&'static str, Value)> {
    let operations: Vec<_> = of_thread(thread, item)
        .into_iter()
        .chain(not_yet(thread, item))
        .collect();
    assert_eq!(operations.len(), 15);
    operations
}

#[tokio::test]
async fn nothing_of_anothers_is_seen_or_touched() {
    let server = TestServer::start(BACKEND).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let nobody = server.client_with(None);
    let (thread, _) = create(&alice, "Hello").await;
    let (bobs, _) = create(&bob, "Mine").await;
    let before = items(&alice, &thread).await;
    let history = alice.history(&thread).await;
    let answer = &before[1]["id"];
    for (operation, params) in every_operation(&thread, answer) {
        let refused = ask(&bob, operation, params.clone()).await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::NOT_IMPLEMENTED].contains(&refused.status),
            "{operation}: {}",
            refused.text
        );
        let unknown = every_operation(&Uuid::now_v7().to_string(), answer);
        let (_, unknown) = unknown
            .into_iter()
            .find(|(name, _)| *name == operation)
            .unwrap();
        let unknown = ask(&bob, operation, unknown).await;
        assert_eq!(
            (unknown.status, &unknown.body["code"]),
            (refused.status, &refused.body["code"])
        );
        assert_eq!(
            unknown.body["detail"], refused.body["detail"],
            "{operation}"
        );
        let refused = ask(&nobody, operation, params).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{operation}");
    }
    // Another's item is not found in a thread of one's own either.
    for (operation, params, status) in [
        (
            "threads.retry_after_item",
            json!({"thread_id": bobs, "item_id": before[0]["id"]}),
            StatusCode::NOT_FOUND,
        ),
        (
            "items.list",
            json!({"thread_id": bobs, "after": answer}),
            StatusCode::NOT_FOUND,
        ),
        (
            "items.feedback",
            json!({"thread_id": bobs, "item_ids": [answer], "kind": "negative"}),
            StatusCode::OK,
        ),
    ] {
        ask(&bob, operation, params).await.expect(status);
    }
    assert_eq!(items(&alice, &thread).await, before);
    assert_eq!(alice.history(&thread).await, history);
    let list = ask(&bob, "threads.list", json!({})).await;
    let listed = list.body["data"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(bobs)));
}

/// What the server does not do yet, asked of a thread and an item in it.
fn not_yet(thread: &str, item: &Value) -> [(&'static str, Value); 7] {
    let action = json!({"thread_id": thread, "item_id": item, "action": {"type": "x"}});
    let answers = json!({"thread_id": thread, "item_id": item, "input": {}});
    [
        (
            "threads.add_client_tool_output",
            json!({"thread_id": thread, "result": {}}),
        ),
        ("threads.add_structured_input", answers),
        ("threads.custom_action", action.clone()),
        ("threads.sync_custom_action", action),
        (
            "attachments.create",
            json!({"name": "a", "size": 1, "mime_type": "text/plain"}),
        ),
        ("attachments.delete", json!({"attachment_id": item})),
        (
            "input.transcribe",
            json!({"audio_base64": "", "mime_type": "audio/webm"}),
        ),
    ]
}

#[tokio::test]
async fn what_is_not_there_yet_says_so() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let (thread, _) = create(&alice, "Hello").await;
    let item = &items(&alice, &thread).await[0]["id"];
    for (operation, params) in not_yet(&thread, item) {
        let refused = ask(&alice, operation, params).await;
        let problem = refused.expect_problem(StatusCode::NOT_IMPLEMENTED, "not_implemented");
        let sentence = format!("This server does not implement {operation} yet");
        assert_eq!(problem["detail"], sentence);
    }
    let mut input = said("Look at this");
    input["attachments"] = json!(["a_1"]);
    let params = json!({"thread_id": thread, "input": input});
    let refused = ask(&alice, "threads.add_user_message", params).await;
    let problem = refused.expect_problem(StatusCode::NOT_IMPLEMENTED, "not_implemented");
    let sentence = "This server does not implement attachments yet";
    assert_eq!(problem["detail"], sentence);
}
