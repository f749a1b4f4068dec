//! Models that fail: the user's message is kept, the caller is told what happened, and the
//! conversation goes on.

use std::time::Duration;

use chatkit_tests::{
    TestServer,
    model::{FakeModel, Reply, Step},
};
use reqwest::StatusCode;
use serde_json::json;

use crate::BACKEND;

const FLAGS: [&str; 3] = [
    "--model-timeout=1500ms",
    "--run-timeout=3s",
    "--max-answer-chars=100",
];

/// Sends a message to a model that meets it so; checks what the caller is told, how often the
/// model was asked, that nothing is left of the answer, and that the conversation goes on.
async fn check(replies: Vec<Reply>, status: StatusCode, code: &str, asked: usize) {
    let partial = check_partial(replies, (status, code), asked).await;
    assert_eq!(partial, "");
}

/// The same for an answer of which something may be left. Returns that.
async fn check_partial(
    replies: Vec<Reply>,
    (status, code): (StatusCode, &str),
    asked: usize,
) -> String {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &FLAGS).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let name = format!("{replies:?}");
    model.script(replies);
    let path = format!("/api/chat/conversations/{id}/messages");
    let failed = alice.post(&path, json!({"content": "hello"})).await;
    assert_eq!(failed.status, status, "{name}: {}", failed.text);
    let problem = failed.expect_problem(status, code);
    assert_eq!(model.requests().len(), asked, "{name}");
    assert_eq!(problem["conversation_id"], id);
    let history = alice.history(&id).await;
    assert_eq!(history[0]["id"], problem["user_message_id"]);
    let answer = history.get(1).cloned().unwrap_or_default();
    assert_eq!(answer["id"], problem["assistant_message_id"], "{name}");
    if history.len() > 1 {
        assert_eq!(answer["status"], "incomplete");
        assert_eq!(answer["incomplete_reason"], "failed");
    }
    let run = problem["run_id"].as_str().unwrap();
    let run = alice
        .get(&format!("/api/chat/conversations/{id}/runs/{run}"))
        .await;
    let run = run.expect(StatusCode::OK);
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!(code))
    );
    for word in ["refused", "invalid_api_key", "secret words"] {
        assert!(!failed.text.contains(word), "{}", failed.text);
    }
    let turn = alice.say(&id, "still there?").await;
    assert_eq!(
        turn["assistant_message"]["content"],
        "You said: still there?"
    );
    answer["content"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn refusals_are_told_apart_and_tried_again_where_that_can_help() {
    let failed = (StatusCode::BAD_GATEWAY, "model_failed");
    let unavailable = (StatusCode::BAD_GATEWAY, "model_unavailable");
    let overloaded = (StatusCode::SERVICE_UNAVAILABLE, "model_overloaded");
    let header = |seconds: &str| vec![("Retry-After", seconds.to_owned())];
    let text = |status, body: &str| Reply::Status(status, Vec::new(), body.to_owned());
    let rows = [
        (vec![Reply::error(401, "invalid_api_key")], unavailable, 1),
        (vec![text(400, "secret words")], failed, 1),
        (vec![text(400, r#"{"error": "secret words"}"#)], failed, 1),
        (
            vec![Reply::error(429, "insufficient_quota")],
            unavailable,
            1,
        ),
        (vec![Reply::error(500, "server_error"); 3], failed, 3),
        (vec![text(502, "<html>secret words</html>"); 3], failed, 3),
        (vec![Reply::HangUp; 3], failed, 3),
        (
            vec![Reply::Status(429, header("60"), String::new())],
            overloaded,
            1,
        ),
        (
            vec![Reply::Status(429, header("0"), r#"{"error":{"code":429}}"#.to_owned()); 3],
            overloaded,
            3,
        ),
        (
            vec![Reply::Status(503, header("60"), String::new())],
            overloaded,
            1,
        ),
    ];
    for (replies, (status, code), asked) in rows {
        check(replies, status, code, asked).await;
    }
}

#[tokio::test]
async fn answers_that_break_off_are_no_answers() {
    const HALF: &str = "half an answer";
    let half = || Step::text(HALF);
    let rows = [
        vec![half(), Step::Abort],
        vec![Step::Abort],
        vec![
            half(),
            Step::Raw("data: { no json\n\n".to_owned()),
            Step::end("stop"),
        ],
        vec![
            half(),
            Step::Raw("data: {\"error\": {\"message\": \"secret words\"}}\n\n".to_owned()),
        ],
        vec![
            half(),
            Step::Raw("data: {\"choices\": \"none\"}\n\n".to_owned()),
        ],
        vec![Step::end("stop")],
        vec![Step::text("   "), Step::end("stop")],
    ];
    let failed = (StatusCode::BAD_GATEWAY, "model_failed");
    for steps in rows {
        let has_half = matches!(&steps[0], Step::Chunk(chunk) if chunk.to_string().contains(HALF));
        let partial = check_partial(vec![Reply::Stream(steps)], failed, 1).await;
        assert_eq!(partial, if has_half { HALF } else { "" });
    }
    let cut = Reply::Raw(vec![half()]);
    assert_eq!(check_partial(vec![cut], failed, 1).await, HALF);
}

#[tokio::test]
async fn silence_is_a_timeout_before_and_between_tokens() {
    for reply in [Reply::Silence, Reply::Stream(vec![Step::Stall])] {
        check(vec![reply], StatusCode::GATEWAY_TIMEOUT, "model_timeout", 1).await;
    }
    let reply = Reply::Stream(vec![Step::text("half"), Step::Stall]);
    let timeout = (StatusCode::GATEWAY_TIMEOUT, "model_timeout");
    assert_eq!(check_partial(vec![reply], timeout, 1).await, "half");
}

#[tokio::test]
async fn an_endless_answer_meets_a_bound() {
    let drip = |pause| {
        let step = [Step::text("."), Step::Wait(Duration::from_millis(pause))];
        Reply::Stream(step.into_iter().cycle().take(4_000).collect())
    };
    let too_long = (StatusCode::BAD_GATEWAY, "answer_too_long");
    let partial = check_partial(vec![drip(1)], too_long, 1).await;
    assert_eq!(partial, ".".repeat(101));
    let timeout = (StatusCode::GATEWAY_TIMEOUT, "model_timeout");
    let partial = check_partial(vec![drip(200)], timeout, 1).await;
    assert!(partial.starts_with(".."), "{partial}");
}

#[tokio::test]
async fn a_moment_of_trouble_is_not_noticed() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::error(500, "server_error"), Reply::HangUp]);
    let turn = alice.say(&id, "hello").await;
    assert_eq!(turn["assistant_message"]["content"], "You said: hello");
    assert_eq!(model.requests().len(), 3);
    assert_eq!(alice.history(&id).await.len(), 2);
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_a_502() {
    let flags = ["--openai-base-url=http://127.0.0.1:1/v1"];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let alice = server.client("alice");
    let answer = alice
        .post("/api/v1/chat", json!({"message": "hello"}))
        .await;
    let problem = answer.expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    assert!(problem["conversation_id"].is_string());
}

#[tokio::test]
async fn a_stop_lets_answers_end_and_interrupts_the_rest() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--shutdown-grace=1500ms"]).await;
    let alice = server.client("alice");
    let (slow, stuck) = (
        alice.create_conversation().await,
        alice.create_conversation().await,
    );
    let late = alice.create_conversation().await;
    let send = |id: &str| {
        let (alice, path) = (
            alice.clone(),
            format!("/api/chat/conversations/{id}/messages"),
        );
        async move { alice.post(&path, json!({"content": "go"})).await }
    };
    let pause = Step::Wait(Duration::from_millis(700));
    model.script([Reply::Stream(vec![
        Step::text("slow"),
        pause,
        Step::end("stop"),
    ])]);
    let slow_answer = async { send(&slow).await };
    let rest = async {
        chatkit_tests::eventually("the first is asked", async || model.requests().len() == 1).await;
        model.script([Reply::Stream(vec![Step::text("so far"), Step::Stall])]);
        let stuck_answer = async { send(&stuck).await };
        let stopping = async {
            chatkit_tests::eventually("both are asked", async || model.requests().len() == 2).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.restart().await
        };
        let late = async {
            chatkit_tests::eventually("it says that it stops", async || {
                let ready = alice.get("/health/ready").await;
                ready.status == StatusCode::SERVICE_UNAVAILABLE
            })
            .await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            send(&late).await
        };
        tokio::join!(stuck_answer, stopping, late)
    };
    let (slow_answer, (stuck_answer, server, late_answer)) = tokio::join!(slow_answer, rest);
    late_answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "draining");
    assert_eq!(late_answer.header("retry-after"), "2");
    assert_eq!(
        slow_answer.expect(StatusCode::CREATED)["assistant_message"]["content"],
        "slow"
    );
    stuck_answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "interrupted");
    let history = server.client("alice").history(&stuck).await;
    assert_eq!(history.len(), 2);
    assert_eq!(
        (&history[1]["content"], &history[1]["status"]),
        (&json!("so far"), &json!("incomplete"))
    );
}
