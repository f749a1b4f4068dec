//! What an operator may count.

use std::collections::BTreeSet;

use chatkit_tests::{
    TestServer,
    model::{FakeModel, Reply},
};
use reqwest::StatusCode;
use serde_json::json;

use crate::BACKEND;

async fn page(url: &str) -> String {
    let answer = reqwest::get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// The number of a line that begins so; zero when there is none. Other tests of the process count
/// too: numbers only grow.
fn number(page: &str, line: &str) -> f64 {
    page.lines()
        .find_map(|text| text.strip_prefix(line)?.trim().parse().ok())
        .unwrap_or_default()
}

/// Every value that a label has.
fn values(page: &str, label: &str) -> BTreeSet<String> {
    let begin = format!("{label}=\"");
    page.lines()
        .flat_map(|line| line.split(['{', ',']))
        .filter_map(|part| part.strip_prefix(&begin)?.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn turns_are_counted_by_how_they_went() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let before = page(&server.url()).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([
        Reply::calls(&[("call_1", "list_tasks", "{}")]),
        Reply::calls(&[("call_2", "rm -rf \"}/", "{}")]),
        Reply::text("Done."),
    ]);
    alice.say(&id, "what is left?").await;
    model.script([Reply::Status(400, vec![], "{}".to_owned())]);
    let path = format!("/api/chat/conversations/{id}/messages");
    let failed = alice.post(&path, json!({"content": "again"})).await;
    failed.expect(StatusCode::BAD_GATEWAY);
    let after = page(&server.url()).await;
    for (line, least) in [
        (
            "chatkit_http_requests_total{operation=\"sendMessage\",status=\"201\"}",
            1.0,
        ),
        (
            "chatkit_http_requests_total{operation=\"sendMessage\",status=\"502\"}",
            1.0,
        ),
        (
            "chatkit_http_request_duration_seconds_count{operation=\"sendMessage\"}",
            2.0,
        ),
        (
            "chatkit_http_request_overhead_seconds_count{operation=\"sendMessage\"}",
            2.0,
        ),
        ("chatkit_runs_total{end=\"completed\"}", 1.0),
        ("chatkit_runs_total{end=\"model_failed\"}", 1.0),
        ("chatkit_model_calls_total{outcome=\"answered\"}", 3.0),
        ("chatkit_model_calls_total{outcome=\"failed\"}", 1.0),
        (
            "chatkit_tool_calls_total{tool=\"list_tasks\",outcome=\"success\"}",
            1.0,
        ),
        (
            "chatkit_tool_calls_total{tool=\"unknown\",outcome=\"refused\"}",
            1.0,
        ),
        ("chatkit_tokens_total{direction=\"input\"}", 1.0),
        ("chatkit_tokens_total{direction=\"output\"}", 1.0),
    ] {
        let grown = number(&after, line) - number(&before, line);
        assert!(grown >= least, "{line} has grown by {grown}");
    }
    assert!(number(&after, "chatkit_database_connections{state=\"most\"}") >= 5.0);
    assert!(after.contains("\nchatkit_runs_active "), "{after}");
}

#[tokio::test]
async fn labels_are_bounded() {
    let server = TestServer::start(BACKEND).await;
    let mallory = server.client("mallory-of-the-labels");
    mallory.get("/mallory-was-here").await;
    mallory.get("/api/mallory-was-here/chat").await;
    mallory
        .get("/api/chat/conversations/mallory-was-here")
        .await;
    mallory.get("/health/live").await;
    mallory.get("/v1/models").await;
    mallory.get("/api/info").await;
    let page = page(&server.url()).await;
    assert!(!page.contains("mallory"), "{page}");
    let operations = values(&page, "operation");
    for name in ["none", "getConversation", "getInfo", "health", "listModels"] {
        assert!(operations.contains(name), "{operations:?}");
    }
    let document = server.client_with(None).get("/openapi.yaml").await.text;
    let ours = ["none", "preflight", "health", "docs", "metrics"];
    let completions = ["createCompletion", "listModels"];
    for operation in &operations {
        let known = ours.contains(&operation.as_str())
            || completions.contains(&operation.as_str())
            || document.contains(&format!("operationId: {operation}\n"));
        assert!(known, "{operation}");
    }
}

#[tokio::test]
async fn a_listener_of_their_own_takes_them_from_the_main_one() {
    let server = TestServer::start_with(BACKEND, &["--metrics-addr=127.0.0.1:0"]).await;
    let hidden = server.client_with(None).get("/metrics").await;
    hidden.expect_problem(StatusCode::NOT_FOUND, "route_not_found");
    let own = server.metrics_url().unwrap();
    let shown = page(&own).await;
    assert!(shown.contains("chatkit_http_requests_total"), "{shown}");
    let other = reqwest::get(format!("{own}/api/info")).await.unwrap();
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_world_does_not_see_them() {
    let server = TestServer::start_with(BACKEND, &["--listen-addr=0.0.0.0:0"]).await;
    let hidden = server.client_with(None).get("/metrics").await;
    hidden.expect_problem(StatusCode::NOT_FOUND, "route_not_found");
}
