//! The rows of the other modules that the Responses API words in events of its own.

use std::time::Duration;

use chatkit_tests::model::{FakeModel, Reply, Step};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Chat, calls::response_calls, messages, refusal, refused};

const FLAGS: [&str; 2] = ["--openai-api=responses", "--model-timeout=3s"];

fn text(delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "delta": delta})
}

fn completed(usage: Value) -> Value {
    json!({"type": "response.completed", "response": {"usage": usage}})
}

async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Chat {
    Chat::scripted(replies, &FLAGS).await
}

#[tokio::test]
async fn invalid_token_counts_are_replaced_by_estimates() {
    for (output, is_estimated) in [
        (json!(-35), true),
        (json!("many"), true),
        (json!(7.0), false),
        (json!("7"), false),
    ] {
        let usage = json!({"input_tokens": 11, "output_tokens": output});
        let chat = scripted([Reply::Response(vec![text("Hello."), completed(usage)])]).await;
        let turn = chat.send("Hi").await;
        let usage = turn.expect(StatusCode::CREATED)["run"]["usage"].clone();
        assert_eq!(usage["estimated"], is_estimated, "{usage}");
    }
    let usage = json!({
        "input_tokens": 11, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 5},
    });
    let chat = scripted([Reply::Response(vec![text("Hello."), completed(usage)])]).await;
    let turn = chat.send("Hi").await;
    assert_eq!(turn.body["run"]["usage"]["cached_tokens"], 5);
}

#[tokio::test]
async fn an_answer_that_fails_is_kept() {
    let error = json!({"code": "server_error", "message": "broken"});
    let failed = json!({"type": "response.failed", "response": {"error": error}});
    let event = json!({"type": "error", "code": "server_error", "message": "broken"});
    for end in [failed, event] {
        let chat = scripted([Reply::Response(vec![text("Hello half of an ans"), end])]).await;
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
        let half = chat.newest().await;
        assert_eq!(half["content"], "Hello half of an ans");
        assert_eq!(half["incomplete_reason"], "failed");
    }
    // The connection ends before the response does.
    let chat = scripted([Reply::Response(vec![text("Hello half")])]).await;
    let failed = chat.send("Hi").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    assert_eq!(chat.newest().await["content"], "Hello half");
}

#[tokio::test]
async fn an_answer_that_the_filter_cuts_is_incomplete() {
    let details = json!({"incomplete_details": {"reason": "content_filter"}});
    let end = json!({"type": "response.incomplete", "response": details});
    let chat = scripted([Reply::Response(vec![text("Hello half"), end])]).await;
    let answer = chat.answer("Hi").await;
    assert_eq!(answer["incomplete_reason"], "content_filter");
}

#[tokio::test]
async fn a_parameter_that_is_refused_is_the_callers_error() {
    for (param, sent) in [
        ("temperature", "temperature"),
        ("max_tokens", "max_output_tokens"),
    ] {
        let error = json!({"param": sent, "code": "unsupported_value", "message": "m"});
        let chat = scripted([refusal(400, &json!({"error": error}))]).await;
        let mut asked = json!({"messages": [{"role": "user", "content": "Hi"}]});
        asked[param] = json!(1);
        let failed = chat.client.post("/v1/chat/completions", asked).await;
        let error = failed.expect(StatusCode::BAD_REQUEST)["error"].clone();
        assert_eq!(error["param"], param);
        assert!(chat.model.requests()[0].get(sent).is_some());
    }
}

#[tokio::test]
async fn input_that_is_too_long_is_halved() {
    fn length(request: &Value) -> usize {
        let texts = messages(request).iter();
        texts
            .map(|message| message["content"].to_string().len())
            .sum()
    }
    let model = FakeModel::refusing(|request| {
        let error = json!({"code": "context_length_exceeded", "message": "m"});
        (length(request) > 8_000).then(|| refusal(400, &json!({"error": error})))
    })
    .await;
    let chat = Chat::behind(model, &FLAGS).await;
    chat.model.script(vec![Reply::response("Yes."); 4]);
    for _ in 0..4 {
        chat.answer(&"m".repeat(3_000)).await;
    }
    let failed = chat.send(&"n".repeat(9_000)).await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "context_too_long");
}

#[tokio::test]
async fn tools_are_left_out_for_a_model_without_them() {
    let model = FakeModel::refusing(|request| {
        let message = "registry.example/model does not support tools";
        request.get("tools").map(|_| refused(message))
    })
    .await;
    let chat = Chat::behind(model, &FLAGS).await;
    chat.model.script(vec![Reply::response("Yes."); 2]);
    chat.answer("one").await;
    chat.answer("two").await;
    assert_eq!(chat.model.requests().len(), 3);
}

#[tokio::test]
async fn tools_stay_when_the_rounds_are_used_up() {
    let chat = Chat::scripted([], &["--openai-api=responses", "--max-tool-rounds=1"]).await;
    let round = || response_calls(&[("a", "list_tasks", "{ }")]);
    chat.model.script([round(), Reply::response("Enough.")]);
    assert_eq!(chat.answer("go").await["content"], "Enough.");
    let requests = chat.model.requests();
    assert_eq!(requests[1]["tool_choice"], "none");
    assert_eq!(requests[1]["tools"], requests[0]["tools"]);
    chat.model.script([round(), round()]);
    let failed = chat.send("again").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "too_many_tool_rounds");
    // The arguments go back as the model wrote them.
    let requests = chat.model.requests();
    let mut items = messages(requests.last().unwrap()).iter();
    let call = items.rfind(|item| item["type"] == "function_call");
    assert_eq!(call.unwrap()["arguments"], "{ }");
}

#[tokio::test]
async fn careless_events_are_read() {
    let end = completed(Value::Null);
    for before in [
        "\u{feff}",
        "data:\n\n",
        "event: ping\ndata: \n\n",
        ": x\n\n",
    ] {
        let steps = vec![
            Step::Raw(before.to_owned()),
            Step::Chunk(text("Hello \u{1f600}")),
            Step::Chunk(end.clone()),
            // The answer is whole, whatever becomes of the connection.
            Step::Stall,
        ];
        let chat = scripted([Reply::Raw(steps)]).await;
        assert_eq!(chat.answer("Hi").await["content"], "Hello \u{1f600}");
    }
    let raw = |delta: &str| {
        let event = r#"{"type":"response.output_text.delta","delta":""#;
        Step::Raw(format!("data: {event}{delta}\"}}\n\n"))
    };
    for (pieces, expected) in [
        (["a\\ud83d", "\\ude00b"], "a\u{1f600}b"),
        (["a\\ud83d", "b"], "a\u{fffd}b"),
    ] {
        let steps = pieces
            .map(raw)
            .into_iter()
            .chain([Step::Chunk(end.clone())]);
        let chat = scripted([Reply::Raw(steps.collect())]).await;
        assert_eq!(chat.answer("Hi").await["content"], expected);
    }
}

#[tokio::test]
async fn heartbeats_do_not_reset_the_silence_timeout() {
    let beat = [
        Step::Raw("event: ping\ndata: \n\n".to_owned()),
        Step::Wait(Duration::from_millis(200)),
    ];
    let beats = beat.into_iter().cycle().take(40);
    let end = [
        Step::Chunk(text("Late.")),
        Step::Chunk(completed(Value::Null)),
    ];
    let reply = Reply::Raw(beats.chain(end).collect());
    let chat = Chat::scripted([reply], &["--openai-api=responses", "--model-timeout=1s"]).await;
    let failed = chat.send("Hi").await;
    failed.expect_problem(StatusCode::GATEWAY_TIMEOUT, "model_timeout");
}

#[tokio::test]
async fn a_rate_limit_before_text_is_handled_as_a_refusal() {
    let error = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    let failed = json!({"type": "response.failed", "response": {"error": error}});
    let event = json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down"});
    for busy in [failed, event] {
        let busy = Reply::Response(vec![busy]);
        let chat = scripted([busy.clone(), Reply::response("Hello.")]).await;
        assert_eq!(chat.answer("Hi").await["content"], "Hello.");
        chat.model.script(vec![busy; 3]);
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "model_overloaded");
    }
}

#[tokio::test]
async fn reasoning_in_the_text_is_no_part_of_the_answer() {
    let pieces = ["<thi", "nk>I should ", "greet.</think>", "\n\nHello"].map(text);
    let events = pieces.into_iter().chain([completed(Value::Null)]);
    let chat = scripted([Reply::Response(events.collect())]).await;
    let answer = chat.answer("Hi").await;
    assert_eq!(answer["content"], "Hello");
    assert_eq!(answer["reasoning"], "I should greet.");
}

#[tokio::test]
async fn what_a_server_sends_is_bounded() {
    let piece = "x".repeat(64 * 1024);
    let item = json!({"type": "function_call", "call_id": "a", "name": "a", "arguments": ""});
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
    let argument = json!({
        "type": "response.function_call_arguments.delta", "output_index": 0, "delta": piece,
    });
    let long = [added].into_iter().chain(vec![argument; 1_000]);
    let many = (0..1_000).map(|index| {
        let item = json!({
            "type": "function_call", "call_id": index.to_string(), "name": "a", "arguments": "{}",
        });
        json!({"type": "response.output_item.done", "output_index": index, "item": item})
    });
    let line = text(&"x".repeat(8 * 1024 * 1024));
    for events in [long.collect::<Vec<_>>(), many.collect(), vec![line]] {
        let events = events.into_iter().chain([completed(Value::Null)]);
        let chat = scripted([Reply::Response(events.collect())]).await;
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
        chat.model.script([Reply::response("Yes.")]);
        chat.answer("And now?").await;
    }
}
