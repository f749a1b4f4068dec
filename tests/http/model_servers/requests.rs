//! Requests to servers that refuse a part of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chatkit_tests::model::{FakeModel, Reply, Step};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Chat, calls::response_calls, messages, refusal, refused};

pub(super) const TOOLLESS: &str = "registry.ollama.ai/library/tiny does not support tools";

pub(super) fn roles(request: &Value) -> Vec<&str> {
    let messages = messages(request).iter();
    messages
        .map(|message| message["role"].as_str().unwrap())
        .collect()
}

/// Whether a server whose template insists on it takes these roles.
pub(super) fn alternates(request: &Value) -> bool {
    let roles = roles(request);
    let roles: Vec<_> = roles.iter().filter(|role| **role != "system").collect();
    let pairs_differ = roles
        .windows(2)
        .all(|pair| pair[0] != pair[1] || *pair[0] == "tool");
    let no_user_after_tool = !roles
        .windows(2)
        .any(|pair| *pair[0] == "tool" && *pair[1] == "user");
    pairs_differ && no_user_after_tool
}

fn strict_roles(request: &Value) -> Option<Reply> {
    let message = "Conversation roles must alternate user/assistant/user/assistant/...";
    (!alternates(request)).then(|| refused(message))
}

#[tokio::test]
async fn roles_alternate_where_a_server_insists() {
    let chat = Chat::behind(FakeModel::refusing(strict_roles).await, &[]).await;
    chat.model
        .script(vec![Reply::error(500, "server_error"); 3]);
    chat.send("hello")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    let answer = chat.answer("now work").await;
    let heard = answer["content"].as_str().unwrap();
    assert!(
        heard.ends_with("now work") && heard.contains("This answer broke off."),
        "{heard}"
    );
    // A tool ran, then the answer failed.
    let add = Reply::calls(&[("a", "list_tasks", "{}")]);
    let half = Reply::Raw(vec![Step::text("Half"), Step::Abort]);
    chat.model.script([add, half]);
    chat.send("list")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    chat.answer("and now?").await;
    // Only the first request is refused.
    let sent = chat.model.requests();
    let refused = sent.iter().filter(|request| !alternates(request)).count();
    assert_eq!(refused, 1);
    // Stored messages are not joined.
    let history = chat.client.history(&chat.id).await;
    assert_eq!(
        (&history[0]["content"], &history[1]["content"]),
        (&json!("hello"), &json!("now work"))
    );
}

#[tokio::test]
async fn the_alternate_setting_applies_to_the_first_request() {
    let model = FakeModel::refusing(strict_roles).await;
    let chat = Chat::behind(model, &["--model-roles=alternate"]).await;
    chat.model.script([Reply::error(401, "invalid_api_key")]);
    chat.send("hello")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
    chat.answer("now work").await;
    assert!(chat.model.requests().iter().all(alternates));
}

/// The assistant message with calls, and whether it has this member.
pub(super) fn calls_with<'a>(request: &'a Value, member: &str) -> Vec<&'a Value> {
    let messages = messages(request).iter();
    let with_calls = messages.filter(|message| message["tool_calls"].is_array());
    with_calls.map(|message| &message[member]).collect()
}

#[tokio::test]
async fn attached_data_is_sent_back_with_its_call() {
    let thought = "I should call add_task.";
    let model = FakeModel::refusing(move |request| {
        let missing = calls_with(request, "reasoning_content")
            .iter()
            .any(|value| **value != thought);
        missing.then(|| refused("The reasoning_content in the thinking mode must be passed back"))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    let signature = json!({"google": {"thought_signature": "c2ln", "n": 1.0}});
    let call = json!({
        "index": 0, "id": "a", "type": "function", "extra_content": signature,
        "function": {"name": "add_task", "arguments": "{ \"title\": \"Milk\" }"},
    });
    let first = Reply::Stream(vec![
        Step::delta(json!({"reasoning_content": "I should "})),
        Step::delta(json!({"reasoning_content": "call add_task."})),
        Step::delta(json!({"tool_calls": [call]})),
        Step::end("tool_calls"),
    ]);
    chat.model.script([first, Reply::text("Added.")]);
    let answer = chat.answer("Add milk").await;
    assert_eq!(answer["reasoning"], thought);
    // The replay in the next turn carries the data too.
    chat.answer("Thanks").await;
    let requests = chat.model.requests();
    for request in &requests[1..] {
        let calls = calls_with(request, "tool_calls");
        assert_eq!(calls[0][0]["extra_content"], signature, "{request}");
        // Byte for byte, as the model wrote it.
        assert_eq!(
            calls[0][0]["function"]["arguments"],
            "{ \"title\": \"Milk\" }"
        );
    }
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_call_without_attached_data_is_sent_back_without_extra_members() {
    let chat = Chat::scripted([Reply::calls(&[("a", "list_tasks", "{}")])], &[]).await;
    chat.answer("List").await;
    let requests = chat.model.requests();
    let message = &messages(&requests[1])[2];
    let members: Vec<_> = message.as_object().unwrap().keys().collect();
    assert_eq!(members, ["role", "content", "tool_calls"]);
}

#[tokio::test]
async fn encrypted_reasoning_goes_back_to_the_responses_api() {
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"});
    let done = json!({"type": "response.output_item.done", "item": reasoning});
    let Reply::Response(mut steps) = response_calls(&[("a", "list_tasks", "{}")]) else {
        panic!("response_calls() makes responses");
    };
    steps.insert(0, done);
    let replies = [
        Reply::Response(steps),
        Reply::response("None."),
        Reply::response("Bye."),
    ];
    let chat = Chat::scripted(replies, &["--openai-api=responses"]).await;
    chat.answer("List").await;
    chat.answer("Thanks").await;
    for request in &chat.model.requests()[1..] {
        let input = messages(request);
        assert_eq!(input[1], reasoning);
        assert_eq!(input[2]["type"], "function_call");
    }
}

#[tokio::test]
async fn a_callers_parameter_that_is_refused_is_the_callers_error() {
    for (param, body) in [
        (
            "temperature",
            json!({"error": {"param": "temperature", "code": "unsupported_value", "message": "m"}}),
        ),
        (
            "max_tokens",
            json!({"error": {"message": "Unsupported parameter: 'max_tokens'"}}),
        ),
    ] {
        let chat = Chat::scripted([refusal(400, &body)], &[]).await;
        let mut asked = json!({"messages": [{"role": "user", "content": "Hi"}]});
        asked[param] = json!(1);
        let failed = chat
            .client
            .post("/v1/chat/completions", asked.clone())
            .await;
        let error = failed.expect(StatusCode::BAD_REQUEST)["error"].clone();
        assert_eq!(error["param"], param);
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(failed.header("x-should-retry"), "false");
        // The parameter is not omitted, because the caller set it.
        chat.model.script([refusal(400, &body)]);
        chat.client
            .post("/v1/chat/completions", asked)
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert!(
            chat.model
                .requests()
                .iter()
                .all(|request| request[param].as_f64() == Some(1.0))
        );
    }
}

#[tokio::test]
async fn tools_are_left_out_for_a_model_without_them() {
    for (status, message) in [
        (400, TOOLLESS),
        (404, "No endpoints found that support tool use."),
        (500, "tools param requires --jinja flag"),
        (
            400,
            "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        ),
    ] {
        let model = FakeModel::refusing(move |request| {
            let body = json!({"error": {"message": message}});
            request.get("tools").map(|_| refusal(status, &body))
        })
        .await;
        let chat = Chat::behind(model, &[]).await;
        chat.answer("one").await;
        chat.answer("two").await;
        let with_tools = chat
            .model
            .requests()
            .iter()
            .map(|request| request.get("tools").is_some())
            .collect::<Vec<_>>();
        let attempts = if status == 500 { 3 } else { 1 };
        let expected: Vec<bool> = std::iter::repeat_n(true, attempts)
            .chain([false, false])
            .collect();
        assert_eq!(with_tools, expected, "{message}");
    }
}

#[tokio::test]
async fn earlier_calls_become_text_for_a_model_without_tools() {
    let has_tools = Arc::new(AtomicBool::new(true));
    let takes = has_tools.clone();
    let model = FakeModel::refusing(move |request| {
        let mut messages = messages(request).iter();
        let has_calls = messages.any(|message| message["role"] == "tool");
        let refuses = has_calls || request.get("tools").is_some();
        (refuses && !takes.load(Ordering::SeqCst)).then(|| refused(TOOLLESS))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    let call = Reply::calls(&[("a", "add_task", "{\"title\":\"Milk\"}")]);
    chat.model.script([call]);
    chat.answer("Add it").await;
    // The operator has changed the model.
    has_tools.store(false, Ordering::SeqCst);
    chat.answer("Thanks").await;
    let requests = chat.model.requests();
    let sent = requests.last().unwrap().to_string();
    assert!(
        sent.contains("I called the tool add_task") && sent.contains("The tool add_task returned"),
        "{sent}"
    );
}

#[tokio::test]
async fn tools_are_never_sent_when_they_are_off() {
    let chat = Chat::scripted([], &["--model-tools=off"]).await;
    chat.answer("Hi").await;
    assert_eq!(chat.model.requests()[0].get("tools"), None);
}

#[tokio::test]
async fn refused_stream_options_are_omitted() {
    let detail = json!({"detail": [{
        "type": "extra_forbidden", "loc": ["body", "stream_options"],
        "msg": "Extra inputs are not permitted",
    }]});
    let model = FakeModel::refusing(move |request| {
        request.get("stream_options").map(|_| refusal(422, &detail))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.answer("one").await;
    chat.answer("two").await;
    assert_eq!(chat.model.requests().len(), 3);
    let model = FakeModel::refusing(|request| {
        request
            .get("stream_options")
            .map(|_| refused("unknown field: stream_options"))
    })
    .await;
    let chat = Chat::behind(model, &["--model-stream-options=off"]).await;
    chat.answer("one").await;
    assert_eq!(chat.model.requests().len(), 1);
}

#[tokio::test]
async fn a_history_with_calls_always_comes_with_tools() {
    let model = FakeModel::refusing(|request| {
        let has_calls = messages(request)
            .iter()
            .any(|message| message["role"] == "tool");
        let refuses = has_calls && request.get("tools").is_none();
        refuses.then(|| refused("tools must be provided when messages hold tool calls"))
    })
    .await;
    let chat = Chat::behind(model, &["--max-tool-rounds=1"]).await;
    let round = || Reply::calls(&[("a", "list_tasks", "{}")]);
    chat.model.script([round(), Reply::text("Enough.")]);
    assert_eq!(chat.answer("go").await["content"], "Enough.");
    assert_eq!(chat.model.requests()[1]["tool_choice"], "none");
    chat.model.script([round(), round()]);
    let failed = chat.send("again").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "too_many_tool_rounds");
}

#[tokio::test]
async fn no_authorization_header_is_sent_without_a_key() {
    let chat = Chat::behind(FakeModel::keyless().await, &[]).await;
    chat.answer("Hi").await;
}

#[tokio::test]
async fn schemas_have_one_type_and_known_keywords() {
    fn check(schema: &Value) {
        let members = schema.as_object().unwrap();
        assert!(schema["type"].is_string(), "{schema}");
        for name in members.keys() {
            let known = [
                "type",
                "description",
                "properties",
                "required",
                "items",
                "enum",
                "minimum",
            ];
            assert!(known.contains(&name.as_str()), "{schema}");
        }
        if let Some(values) = schema["enum"].as_array() {
            assert!(values.iter().all(Value::is_string), "{schema}");
        }
        if let Some(properties) = schema["properties"].as_object() {
            properties.values().for_each(check);
        }
    }
    let chat = Chat::scripted([], &[]).await;
    chat.answer("Hi").await;
    let request = &chat.model.requests()[0];
    for tool in request["tools"].as_array().unwrap() {
        check(&tool["function"]["parameters"]);
    }
}

fn redirect(status: u16, to: &FakeModel) -> Reply {
    let location = format!("http://{}/v1/chat/completions", to.address());
    Reply::Status(status, vec![("Location", location)], String::new())
}

#[tokio::test]
async fn redirects_to_another_origin_are_not_followed() {
    for status in [301, 302, 307, 308] {
        let other = FakeModel::start().await;
        let chat = Chat::scripted([redirect(status, &other)], &[]).await;
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::BAD_GATEWAY, "model_unavailable");
        assert!(other.requests().is_empty());
    }
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let chat = Chat::behind(FakeModel::start().await, &[]).await;
    chat.model
        .script([redirect(307, &chat.model), redirect(308, &chat.model)]);
    assert_eq!(chat.answer("Hi").await["content"], "You said: Hi");
}

#[tokio::test]
async fn refused_null_content_becomes_empty_text() {
    let model = FakeModel::refusing(|request| {
        let has_null = messages(request)
            .iter()
            .any(|message| message["content"].is_null());
        has_null.then(|| refused("messages.1.content: Input should be a valid string"))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.model
        .script([Reply::calls(&[("a", "list_tasks", "{}")])]);
    chat.answer("one").await;
    chat.answer("two").await;
    // The call, the refusal of its replay, the answer; then it is known.
    assert_eq!(chat.model.requests().len(), 4);
}

#[tokio::test]
async fn a_server_without_a_system_role_gets_the_instructions_in_the_first_user_message() {
    let model = FakeModel::refusing(|request| {
        roles(request)
            .contains(&"system")
            .then(|| refused("System role not supported"))
    })
    .await;
    let chat = Chat::behind(model, &["--agent-instructions=Be kind."]).await;
    chat.answer("Hi").await;
    let requests = chat.model.requests();
    assert_eq!(messages(&requests[1])[0]["content"], "Be kind.\n\nHi");
}

#[tokio::test]
async fn a_server_that_wants_short_call_ids_gets_them() {
    let model = FakeModel::refusing(|request| {
        let ids = messages(request)
            .iter()
            .filter_map(|message| message["tool_call_id"].as_str());
        let mut long = ids.filter(|id| id.len() != 9);
        long.next().map(|id| {
            refused(&format!(
                "Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."
            ))
        })
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.model.script([Reply::calls(&[(
        "call_of_another_server",
        "list_tasks",
        "{}",
    )])]);
    chat.answer("List").await;
    chat.answer("Thanks").await;
}
