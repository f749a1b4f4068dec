//! What the server counts, exactly: the only test of its process, as all servers of one count
//! together.

use std::time::Duration;

use chatkit_tests::{
    Backend, TestServer,
    model::{FakeModel, Reply, Step},
};
use reqwest::StatusCode;
use serde_json::json;

async fn page(server: &TestServer) -> String {
    server.client_with(None).get("/metrics").await.text
}

/// The number of a line that begins so; zero when there is none.
fn number(page: &str, line: &str) -> f64 {
    page.lines()
        .find_map(|text| text.strip_prefix(line)?.trim().parse().ok())
        .unwrap_or_default()
}

/// How long the model thinks about its last answer.
const THINKS: Duration = Duration::from_millis(700);

/// Two turns: one with tools, one that the model fails.
async fn take_turns(server: &TestServer, model: &FakeModel) {
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let answer = vec![
        Step::Wait(THINKS),
        Step::text("Done."),
        Step::end("stop"),
        Step::usage(11, 7),
    ];
    model.script([
        Reply::calls(&[("call_1", "list_tasks", "{}")]),
        Reply::calls(&[("call_2", "rm -rf \"}/", "{}")]),
        Reply::Stream(answer),
    ]);
    alice.say(&id, "what is left?").await;
    // The second request has the newest message alone.
    model.script(vec![Reply::Status(400, vec![], "{}".to_owned()); 2]);
    let path = format!("/api/chat/conversations/{id}/messages");
    let failed = alice.post(&path, json!({"content": "again"})).await;
    failed.expect(StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn turns_are_counted_by_how_they_went() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let model = FakeModel::start().await;
        let server = TestServer::start_asking(backend, &model, &[]).await;
        let before = page(&server).await;
        take_turns(&server, &model).await;
        let after = page(&server).await;
        let grown = |line: &str| number(&after, line) - number(&before, line);
        for (line, expected) in [
            (
                "http_requests_total{operation=\"sendMessage\",status=\"201\"}",
                1.0,
            ),
            (
                "http_requests_total{operation=\"sendMessage\",status=\"502\"}",
                1.0,
            ),
            (
                "http_request_duration_seconds_count{operation=\"sendMessage\"}",
                2.0,
            ),
            (
                "http_request_overhead_seconds_count{operation=\"sendMessage\"}",
                2.0,
            ),
            ("runs_total{end=\"completed\"}", 1.0),
            ("runs_total{end=\"model_failed\"}", 1.0),
            ("model_calls_total{outcome=\"answered\"}", 3.0),
            ("model_calls_total{outcome=\"failed\"}", 2.0),
            ("model_call_duration_seconds_count", 5.0),
            (
                "tool_calls_total{tool=\"list_tasks\",outcome=\"success\"}",
                1.0,
            ),
            (
                "tool_calls_total{tool=\"unknown\",outcome=\"refused\"}",
                1.0,
            ),
            // Two rounds of 5 and 3, one of 11 and 7; nothing of what failed.
            ("tokens_total{direction=\"input\"}", 21.0),
            ("tokens_total{direction=\"output\"}", 13.0),
        ] {
            let line = format!("chatkit_{line}");
            assert!((grown(&line) - expected).abs() < 1e-9, "{line} of {after}");
        }
        let sum = |name: &str| {
            grown(&format!(
                "chatkit_http_request_{name}_seconds_sum{{operation=\"sendMessage\"}}"
            ))
        };
        let model_time = sum("duration") - sum("overhead");
        assert!(model_time >= THINKS.as_secs_f64(), "{model_time}");
        assert!(number(&after, "chatkit_runs_active ").abs() < 1e-9);
        assert!(number(&after, "chatkit_database_connections{state=\"max\"}") >= 5.0);
    }
}
