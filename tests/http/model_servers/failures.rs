//! Failures of model servers, and how conversations continue after them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chatkit_tests::{
    Extensions, TestServer,
    model::{FakeModel, Reply, Step},
};
use chatkit_tools::{Tool, ToolContext, ToolError, ToolRegistry};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Chat, calls::response_calls, messages, refusal, refused};
use crate::BACKEND;

/// A server whose filter judges the whole input.
async fn filtering() -> FakeModel {
    FakeModel::refusing(|request| {
        let bad = messages(request).iter().any(|message| {
            let text = message.to_string();
            text.contains("badword")
        });
        let body = json!({"error": {"code": "content_filter", "message": "filtered"}});
        bad.then(|| refusal(400, &body))
    })
    .await
}

#[tokio::test]
async fn a_message_that_the_filter_refuses_is_withheld_from_then_on() {
    for flags in [
        &["--openai-api=chat_completions"],
        &["--openai-api=responses"],
    ] {
        let chat = Chat::behind(filtering().await, flags).await;
        chat.answer("hello").await;
        let failed = chat.send("badword").await;
        failed.expect_problem(StatusCode::BAD_GATEWAY, "content_filtered");
        let asked = chat.model.requests().len();
        chat.answer("fine").await;
        // One request is enough, because a note replaces the message.
        assert_eq!(chat.model.requests().len(), asked + 1);
        // The user still has the message.
        let history = chat.client.history(&chat.id).await;
        assert!(
            history
                .iter()
                .any(|message| message["content"] == "badword")
        );
    }
}

#[tokio::test]
async fn a_filtered_old_answer_stays_out_of_later_windows() {
    let chat = Chat::behind(filtering().await, &[]).await;
    chat.model.script([Reply::text("That is a badword.")]);
    chat.answer("hello").await;
    assert_eq!(chat.answer("fine").await["content"], "You said: fine");
    let asked = chat.model.requests().len();
    assert_eq!(chat.answer("and on").await["content"], "You said: and on");
    let requests = chat.model.requests();
    assert_eq!(requests.len(), asked + 1);
    let heard: Vec<&str> = messages(&requests[asked])
        .iter()
        .filter_map(|message| message["content"].as_str())
        .collect();
    assert_eq!(heard[1..], ["fine", "You said: fine", "and on"]);
}

#[tokio::test]
async fn a_tool_result_that_the_filter_refuses_is_withheld() {
    for api in super::APIS {
        let model = FakeModel::refusing(|request| {
            let mut messages = messages(request).iter();
            let bad = messages.any(|message| {
                let result = message["content"].as_str();
                let result = result.or_else(|| message["output"].as_str());
                let is_result =
                    message["role"] == "tool" || message["type"] == "function_call_output";
                is_result && result.unwrap_or_default().contains("badword")
            });
            let body = json!({"error": {"code": "content_filter", "message": "filtered"}});
            bad.then(|| refusal(400, &body))
        })
        .await;
        let chat = Chat::behind(model, &[&format!("--openai-api={api}")]).await;
        let calls = [("a", "add_task", "{\"title\":\"badword\"}")];
        chat.model.script([match api {
            "responses" => response_calls(&calls),
            _ => Reply::calls(&calls),
        }]);
        let answer = chat.answer("Add it").await;
        assert_eq!(answer["content"], "You said: Add it");
        assert_eq!(answer["tool_calls"][0]["status"], "success");
        chat.answer("fine").await;
        chat.answer("and on").await;
    }
}

#[tokio::test]
async fn input_that_is_too_long_is_halved() {
    fn length(request: &Value) -> usize {
        let messages = messages(request).iter();
        messages
            .map(|message| message["content"].as_str().unwrap_or_default().len())
            .sum()
    }
    for body in [
        "Input is too long for requested model",
        "This model's maximum prompt length is 8192",
        "Range of input length should be [1, 8000]",
        "`inputs` tokens + `max_new_tokens` must be <= 8000",
        "[{\"error\":{\"code\":400,\"message\":\"The input token count (2181) exceeds the maximum number of tokens allowed (2048).\",\"status\":\"INVALID_ARGUMENT\"}}]",
    ] {
        check(400, body).await;
    }
    check(
        500,
        "{\"error\":{\"message\":\"the request exceeds the available context size\"}}",
    )
    .await;

    async fn check(status: u16, body: &'static str) {
        let model = FakeModel::refusing(move |request| {
            (length(request) > 8_000).then(|| Reply::Status(status, Vec::new(), body.to_owned()))
        })
        .await;
        let chat = Chat::behind(model, &["--agent-instructions="]).await;
        chat.model.script(vec![Reply::text("Yes."); 8]);
        let long = "m".repeat(3_000);
        chat.answer(&long).await;
        chat.answer(&long).await;
        let before = chat.model.requests().len();
        chat.answer(&long).await;
        let lengths: Vec<usize> = chat.model.requests()[before..].iter().map(length).collect();
        assert_eq!(lengths, [9_008, 6_004], "{body}");
        // The next turn starts with what was left, and is not refused first.
        let before = chat.model.requests().len();
        chat.answer("short").await;
        assert_eq!(chat.model.requests().len(), before + 1);
        // The newest message alone is too long.
        let failed = chat.send(&"n".repeat(9_000)).await;
        failed.expect_problem(StatusCode::BAD_GATEWAY, "context_too_long");
        let sent: Vec<Value> = chat.model.requests()[before + 1..].to_vec();
        for pair in sent.windows(2) {
            assert_ne!(pair[0], pair[1], "no request is sent twice unchanged");
        }
        assert_eq!(messages(sent.last().unwrap()).len(), 1);
    }
}

#[tokio::test]
async fn results_that_are_too_long_for_the_model_are_shortened() {
    fn length(request: &Value) -> usize {
        let messages = messages(request).iter();
        messages
            .map(|message| message["content"].as_str().unwrap_or_default().len())
            .sum()
    }
    let model = FakeModel::refusing(|request| {
        (length(request) > 4_000).then(|| refused("prompt is too long"))
    })
    .await;
    let chat = Chat::behind(model, &["--agent-instructions="]).await;
    let title = "t".repeat(190);
    let arguments = json!({"title": title, "description": "d".repeat(1_900)}).to_string();
    let calls = [
        ("a", "add_task", arguments.as_str()),
        ("b", "list_tasks", "{}"),
    ];
    chat.model.script([
        Reply::calls(&calls),
        Reply::calls(&[("c", "list_tasks", "{}")]),
    ]);
    let answer = chat.answer("Add it").await;
    assert_eq!(answer["content"], "You said: Add it");
}

#[tokio::test]
async fn a_tool_result_is_cut_the_same_way_in_later_turns() {
    let chat = Chat::behind(FakeModel::start().await, &["--max-tool-result-chars=1000"]).await;
    let arguments = json!({"title": "Milk", "description": "d".repeat(1_900)}).to_string();
    chat.model
        .script([Reply::calls(&[("a", "add_task", &arguments)])]);
    let answer = chat.answer("Add it").await;
    let whole = answer["tool_calls"][0]["result"].to_string();
    assert!(whole.len() > 1_900);
    chat.answer("Thanks").await;
    let requests = chat.model.requests();
    let results: Vec<&str> = requests[1..]
        .iter()
        .map(|request| messages(request)[3]["content"].as_str().unwrap())
        .collect();
    assert_eq!(results[0].chars().count(), 1_001);
    assert_eq!(results[0], results[1]);
}

#[tokio::test]
async fn a_run_that_exceeds_a_limit_stores_its_partial_answer() {
    let round = || {
        Reply::Stream(vec![
            Step::text("Again."),
            Step::call(0, "a", "list_tasks", "{}"),
            Step::end("tool_calls"),
        ])
    };
    let chat = Chat::scripted([round(), round()], &["--max-tool-rounds=1"]).await;
    let failed = chat.send("go").await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "too_many_tool_rounds");
    let partial = chat.newest().await;
    assert_eq!(partial["id"], problem["assistant_message_id"]);
    assert_eq!(partial["content"], "Again.\n\nAgain.");
    assert_eq!(partial["tool_calls"].as_array().unwrap().len(), 1);
}

/// A tool that never ends.
#[derive(Debug)]
struct Hang;

#[async_trait]
impl Tool for Hang {
    type Arguments = serde_json::Map<String, Value>;
    type Output = ();

    fn name(&self) -> &str {
        "hang"
    }

    fn description(&self) -> &str {
        "Never ends."
    }

    async fn call(&self, _: &ToolContext, _: Self::Arguments) -> Result<(), ToolError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_tool_that_still_runs_when_the_run_fails_is_cancelled() {
    let mut tools = ToolRegistry::default();
    tools.register(Hang).unwrap();
    let extensions = Extensions {
        tools,
        ..Extensions::default()
    };
    let model = FakeModel::start().await;
    let flags = ["--run-timeout=2s"];
    let server = TestServer::start_extended(BACKEND, &model, &flags, extensions).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::Stream(vec![
        Step::text("Let me see."),
        Step::call(0, "a", "hang", "{}"),
        Step::end("tool_calls"),
    ])]);
    let path = format!("/api/chat/conversations/{id}/messages");
    let failed = alice.post(&path, json!({"content": "go"})).await;
    failed.expect_problem(StatusCode::GATEWAY_TIMEOUT, "model_timeout");
    let partial = alice.history(&id).await.pop().unwrap();
    assert_eq!(partial["tool_calls"][0]["status"], "cancelled");
    assert_eq!(partial["incomplete_reason"], "failed");
    alice.say(&id, "And now?").await;
}

#[tokio::test]
async fn a_filter_that_ends_a_blank_answer_refuses_the_input() {
    let model = FakeModel::refusing(|request| {
        let mut messages = messages(request).iter();
        let bad = messages.any(|message| {
            message["content"]
                .as_str()
                .is_some_and(|text| text.contains("badword"))
        });
        bad.then(|| Reply::Stream(vec![Step::end("content_filter")]))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    let failed = chat.send("badword").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "content_filtered");
    chat.answer("fine").await;
}

#[tokio::test]
async fn a_message_is_not_withheld_for_what_the_model_wrote() {
    let model = FakeModel::refusing(|request| {
        let bad = messages(request)
            .iter()
            .any(|message| message["tool_calls"].to_string().contains("badword"));
        let body = json!({"error": {"code": "content_filter", "message": "filtered"}});
        bad.then(|| refusal(400, &body))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    let call = Reply::Stream(vec![
        Step::text("I add it."),
        Step::call(0, "a", "add_task", "{\"title\":\"badword\"}"),
        Step::end("tool_calls"),
    ]);
    chat.model.script([call]);
    let failed = chat.send("Add my secret").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "content_filtered");
    chat.answer("fine").await;
    chat.answer("and on").await;
    // Also where it is answered again: the message itself was fine.
    let history = chat.client.history(&chat.id).await;
    let path = format!(
        "/api/chat/conversations/{}/messages/{}/regenerate",
        chat.id,
        history[0]["id"].as_str().unwrap()
    );
    chat.client
        .post(&path, json!({}))
        .await
        .expect(StatusCode::CREATED);
    let requests = chat.model.requests();
    assert!(
        requests
            .last()
            .unwrap()
            .to_string()
            .contains("Add my secret")
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_too_long() {
    for body in [
        "Request Entity Too Large",
        "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Request too large\"}}",
    ] {
        let model = FakeModel::refusing(move |request| {
            (messages(request).len() > 2).then(|| Reply::Status(413, Vec::new(), body.to_owned()))
        })
        .await;
        let chat = Chat::behind(model, &[]).await;
        chat.answer("one").await;
        chat.answer("two").await;
    }
}

#[tokio::test]
async fn a_run_that_only_reasons_after_its_calls_keeps_that() {
    let call = Reply::calls(&[("a", "list_tasks", "{}")]);
    let thought = Step::delta(json!({"reasoning_content": "Hm."}));
    let chat = Chat::scripted(
        [call, Reply::Stream(vec![thought, Step::end("length")])],
        &[],
    )
    .await;
    let answer = chat.answer("go").await;
    assert_eq!(
        (&answer["content"], &answer["reasoning"]),
        (&json!(""), &json!("Hm."))
    );
    assert_eq!(answer["incomplete_reason"], "length");
}

#[tokio::test]
async fn thoughts_are_stored_as_a_bounded_number_of_items() {
    let pair = [
        Step::delta(json!({"reasoning_content": "s"})),
        Step::text("t"),
    ];
    let steps = pair
        .into_iter()
        .cycle()
        .take(600)
        .chain([Step::end("stop")]);
    let chat = Chat::scripted([Reply::Stream(steps.collect())], &[]).await;
    let answer = chat.answer("go").await;
    let reasoning = answer["reasoning"].as_str().unwrap();
    assert_eq!(reasoning.matches('s').count(), 300);
    let body = json!({"type": "items.list", "params": {"thread_id": chat.id, "limit": 100}});
    let items = chat.client.post("/chatkit", body).await;
    let items = items.body["data"].as_array().unwrap().len();
    assert!(items <= 66, "{items}");
}

#[tokio::test]
async fn calls_of_a_turn_without_an_answer_stay_known_to_the_model() {
    let call = Reply::calls(&[("a", "add_task", "{\"title\":\"Milk\"}")]);
    let chat = Chat::scripted([call, Reply::error(401, "invalid_api_key")], &[]).await;
    chat.send("Add milk")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
    chat.answer("and now?").await;
    let requests = chat.model.requests();
    let sent = messages(requests.last().unwrap());
    let roles: Vec<&str> = sent
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        ["system", "user", "assistant", "tool", "user", "user"]
    );
    assert!(sent[3]["content"].as_str().unwrap().contains("Milk"));
    // A client sees the messages only.
    let history = chat.client.history(&chat.id).await;
    assert!(
        history
            .iter()
            .all(|message| message["tool_calls"].is_null())
    );
}

#[tokio::test]
async fn words_that_the_server_quotes_mean_nothing() {
    for words in [
        "tell me about the context window",
        "what does content_filter mean in Azure?",
    ] {
        let body = json!({"error": {"message": format!("Internal parse failure near: {words}")}});
        let chat = Chat::scripted(
            [
                Reply::text("One."),
                refusal(400, &body),
                refusal(400, &body),
            ],
            &[],
        )
        .await;
        chat.answer("first").await;
        chat.send(words)
            .await
            .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
        chat.answer("and now?").await;
        let sent = chat.model.requests().last().unwrap().to_string();
        assert!(sent.contains("first") && sent.contains(words), "{sent}");
    }
}

#[tokio::test]
async fn a_rate_limit_that_no_wait_can_help_is_too_long() {
    let body = json!({"error": {
        "message": "Request too large for gpt-4o: Limit 30000, Requested 31538. The input or output tokens must be reduced",
        "type": "tokens", "code": "rate_limit_exceeded",
    }});
    let model = FakeModel::refusing(move |request| {
        (messages(request).len() > 3).then(|| refusal(429, &body))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    for text in ["one", "two", "three"] {
        chat.answer(text).await;
    }
}

#[tokio::test]
async fn a_history_that_is_rejected_for_an_unknown_reason_blocks_nothing() {
    let rejects = Arc::new(AtomicBool::new(true));
    let is_rejecting = rejects.clone();
    let model = FakeModel::refusing(move |request| {
        let is_bad = request.to_string().contains("an odd answer");
        (is_bad && is_rejecting.load(Ordering::SeqCst))
            .then(|| refused("Unprocessable at offset 17"))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.model.script([Reply::text("That is an odd answer.")]);
    chat.answer("one").await;
    chat.answer("two").await;
    chat.answer("three").await;
    // It may pass, so nothing has left the window.
    rejects.store(false, Ordering::SeqCst);
    chat.answer("four").await;
    assert!(
        chat.model
            .requests()
            .last()
            .unwrap()
            .to_string()
            .contains("an odd answer")
    );
}

#[tokio::test]
async fn made_up_names_and_ids_are_sent_back_in_a_form_that_every_server_takes() {
    let chat = Chat::scripted(
        [Reply::calls(&[
            ("functions.x:0", "no such.tool!", "{}"),
            (&"i".repeat(80), "", "{}"),
        ])],
        &[],
    )
    .await;
    chat.answer("go").await;
    let requests = chat.model.requests();
    let calls = messages(&requests[1])[2]["tool_calls"].clone();
    for call in calls.as_array().unwrap() {
        for text in [&call["id"], &call["function"]["name"]] {
            let text = text.as_str().unwrap();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            assert!(
                (1..=64).contains(&text.len()) && text.chars().all(fits),
                "{text}"
            );
        }
    }
}
