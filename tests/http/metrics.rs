//! What an operator may count: who sees it, and that it stays bounded. What is counted is checked in
//! a process of its own, as all servers of one count together.

use std::collections::BTreeSet;

use chatkit_tests::TestServer;
use reqwest::StatusCode;

use crate::BACKEND;

async fn page(url: &str) -> String {
    let answer = reqwest::get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
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
    let ours = ["none", "preflight", "health", "docs", "metrics", "page"];
    let completions = ["createCompletion", "listModels", "chatkit"];
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
    for flag in [
        "--listen-addr=0.0.0.0:0",
        "--public-url=https://localhost.example",
    ] {
        let server = TestServer::start_with(BACKEND, &[flag]).await;
        let hidden = server.client_with(None).get("/metrics").await;
        hidden.expect_problem(StatusCode::NOT_FOUND, "route_not_found");
    }
}
