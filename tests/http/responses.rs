//! The model asked by OpenAI's Responses API.

use chatkit_tests::{
    TestServer,
    follow::text_of,
    model::{FakeModel, Reply},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::BACKEND;

const FLAGS: [&str; 1] = ["--openai-api=responses"];

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

#[tokio::test]
async fn a_turn_with_tools_is_carried_over_there_and_back() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &FLAGS).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let call = json!({
        "type": "function_call", "call_id": "call_1", "name": "add_task",
        "arguments": r#"{"title":"Milk"}"#,
    });
    model.script([
        Reply::Response(vec![
            json!({"type": "response.output_item.done", "item": call}),
            completed(json!({"usage": {"input_tokens": 5, "output_tokens": 3}})),
        ]),
        Reply::response("Added milk."),
        Reply::response("You are welcome."),
    ]);
    let turn = alice.say(&id, "Please add milk").await;
    assert_eq!(turn["assistant_message"]["content"], "Added milk.");
    assert_eq!(
        turn["assistant_message"]["tool_calls"][0]["status"],
        "success"
    );
    let usage = json!({
        "input_tokens": 16, "output_tokens": 10, "total_tokens": 26, "cached_tokens": null,
        "estimated": false
    });
    assert_eq!(turn["run"]["usage"], usage);
    alice.say(&id, "Thanks").await;

    check_rounds(&model.requests(), &call);
}

/// What the model was given: in the first round, in the second, and in the next turn.
fn check_rounds(requests: &[Value], call: &Value) {
    let first = &requests[0];
    assert_eq!(
        first["input"],
        json!([{"role": "user", "content": "Please add milk"}])
    );
    assert!(
        first["instructions"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(
        (&first["stream"], &first["store"]),
        (&json!(true), &json!(false))
    );
    let tool = &first["tools"][0];
    assert_eq!(
        (&tool["type"], &tool["strict"]),
        (&json!("function"), &json!(false))
    );
    assert!(tool["name"].is_string() && tool["parameters"].is_object());
    let rounds = requests[1]["input"].as_array().unwrap();
    assert_eq!(&rounds[1], call);
    assert_eq!(rounds[2]["type"], "function_call_output");
    assert_eq!(rounds[2]["call_id"], "call_1");
    assert!(rounds[2]["output"].as_str().unwrap().contains("Milk"));
    // The next turn is told what was done.
    let kinds: Vec<_> = requests[2]["input"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.get("type").unwrap_or_else(|| &item["role"]).clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "user",
            "function_call",
            "function_call_output",
            "assistant",
            "user"
        ]
    );
}

#[tokio::test]
async fn a_summary_of_reasoning_is_no_part_of_the_answer() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &FLAGS).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let thought = "I should greet.";
    model.script([Reply::Response(vec![
        json!({"type": "response.reasoning_summary_text.delta", "delta": thought}),
        json!({"type": "response.output_text.delta", "delta": "Good "}),
        json!({"type": "response.output_text.delta", "delta": "morning"}),
        completed(json!({})),
    ])]);
    let runs = format!("/api/chat/conversations/{id}/runs");
    let begun = alice.post(&runs, json!({"content": "hello"})).await;
    begun.expect(StatusCode::ACCEPTED);
    let run = begun.header("location");
    let events = alice.follow_to_end(run, None).await;
    assert_eq!(text_of(&events), "Good morning");
    let reasoning = events
        .iter()
        .find(|event| event.name == "reasoning.delta")
        .unwrap();
    assert_eq!(reasoning.data["text"], thought);
    let answer = &alice.history(&id).await[1];
    assert_eq!(answer["content"], "Good morning");
    assert_eq!(answer["reasoning"], thought);
    assert_eq!(reasoning.data["message_id"], answer["id"]);
    assert_eq!(model.requests()[0]["reasoning"], json!({"summary": "auto"}));
}

#[tokio::test]
async fn a_model_that_does_not_reason_is_asked_without_it_from_then_on() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &FLAGS).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let refusal = json!({"error": {
        "message": "Unsupported parameter: 'reasoning.summary'.", "type": "invalid_request_error",
        "param": "reasoning.summary", "code": "unsupported_parameter",
    }});
    let refusal = Reply::Status(400, Vec::new(), refusal.to_string());
    model.script([refusal, Reply::response("One."), Reply::response("Two.")]);
    assert_eq!(
        alice.say(&id, "first").await["assistant_message"]["content"],
        "One."
    );
    assert_eq!(
        alice.say(&id, "second").await["assistant_message"]["content"],
        "Two."
    );
    let asked: Vec<bool> = model
        .requests()
        .iter()
        .map(|request| request.get("reasoning").is_some())
        .collect();
    assert_eq!(asked, [true, false, false]);
}

#[tokio::test]
async fn what_goes_wrong_means_what_it_means_elsewhere() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &FLAGS).await;
    let alice = server.client("alice");
    let failed = |code: &str| {
        let error = json!({"code": code, "message": "m"});
        let response = json!({"error": error});
        Reply::Response(vec![
            json!({"type": "response.failed", "response": response}),
        ])
    };
    let cut = json!({"type": "response.output_text.delta", "delta": "Half of"});
    for (reply, status, code) in [
        (
            failed("server_error"),
            StatusCode::BAD_GATEWAY,
            "model_failed",
        ),
        (
            failed("rate_limit_exceeded"),
            StatusCode::SERVICE_UNAVAILABLE,
            "model_overloaded",
        ),
        (
            Reply::Response(vec![cut]),
            StatusCode::BAD_GATEWAY,
            "model_failed",
        ),
        (
            Reply::error(401, "invalid_api_key"),
            StatusCode::BAD_GATEWAY,
            "model_unavailable",
        ),
    ] {
        let id = alice.create_conversation().await;
        let attempts = if code == "model_overloaded" { 3 } else { 1 };
        model.script(vec![reply; attempts]);
        let path = format!("/api/chat/conversations/{id}/messages");
        let answer = alice.post(&path, json!({"content": "hello"})).await;
        answer.expect_problem(status, code);
        // The part of the answer that arrived is stored.
        let history = alice.history(&id).await;
        let partial = history.get(1).map(|message| &message["content"]);
        assert!(
            partial.is_none_or(|content| content == "Half of"),
            "{history:?}"
        );
    }
    // Too long: half of the window is dropped.
    let id = alice.create_conversation().await;
    model.script([Reply::response("One."), failed("context_length_exceeded")]);
    alice.say(&id, "first").await;
    model.script([Reply::response("Two.")]);
    assert_eq!(
        alice.say(&id, "second").await["assistant_message"]["content"],
        "Two."
    );
}
