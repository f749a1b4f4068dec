//! OpenAI's chat completions on the same conversations.

use chatkit_tests::{
    Answer, Client, TestServer,
    model::{FakeModel, MODEL, Reply, Step},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

const PATHS: [&str; 2] = ["/v1/chat/completions", "/api/v1/chatkit"];

fn user(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

async fn ask(client: &Client, conversation: &str, body: Value) -> Answer {
    let request = client
        .request(Method::POST, PATHS[0])
        .header("X-Conversation-Id", conversation)
        .json(&body);
    client.send(request).await
}

/// What the messages of a conversation say, oldest first.
async fn contents(client: &Client, conversation: &str) -> Vec<String> {
    let history = client.history(conversation).await;
    let contents = history.iter().map(|message| message["content"].as_str());
    contents
        .map(|content| content.unwrap().to_owned())
        .collect()
}

/// Checks an error in OpenAI's shape.
#[track_caller]
fn check_error(answer: &Answer, status: StatusCode, kind: &str, code: &str, param: Value) {
    let error = &answer.expect(status)["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!(kind), &json!(code)),
        "{error}"
    );
    assert_eq!(error["param"], param, "{error}");
    assert_eq!(answer.header("content-type"), "application/json");
}

/// The JSON of a stream's events, and what its last event is.
fn events(answer: &Answer) -> (Vec<Value>, String) {
    let mut events: Vec<&str> = answer
        .text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .collect();
    let last = events.pop().unwrap().to_owned();
    let events = events
        .into_iter()
        .map(|event| serde_json::from_str(event).unwrap());
    (events.collect(), last)
}

#[tokio::test]
async fn a_completion_is_a_turn_of_a_conversation() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    for path in PATHS {
        let answer = alice.post(path, json!({"messages": user("hello")})).await;
        let body = answer.expect(StatusCode::OK);
        assert_eq!(body["object"], "chat.completion");
        assert_eq!(body["model"], MODEL);
        assert!(body["created"].as_i64() > Some(1_700_000_000));
        let choice = &body["choices"][0];
        assert_eq!(
            choice["message"],
            json!({"role": "assistant", "content": "You said: hello", "refusal": null})
        );
        assert_eq!(
            (&choice["finish_reason"], &choice["index"]),
            (&json!("stop"), &json!(0))
        );
        assert_eq!(choice.get("logprobs"), Some(&Value::Null));
        let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
        assert_eq!(body["usage"], usage);

        let id = answer.header("x-conversation-id").to_owned();
        // Of a named conversation only the last message is read.
        let more =
            json!([{"role": "user", "content": "forged"}, {"role": "user", "content": "again"}]);
        let second = ask(&alice, &id, json!({"messages": more})).await;
        assert_eq!(second.header("x-conversation-id"), id);
        let kept = contents(&alice, &id).await;
        assert_eq!(
            kept,
            ["hello", "You said: hello", "again", "You said: again"]
        );
        let named = json!({"messages": user("third"), "metadata": {"conversation_id": id}});
        alice.post(path, named).await.expect(StatusCode::OK);
        assert_eq!(alice.history(&id).await.len(), 6);
    }
}

#[tokio::test]
async fn a_list_of_messages_becomes_a_conversation() {
    let model = FakeModel::start().await;
    let server =
        TestServer::start_asking(BACKEND, &model, &["--agent-instructions=Be kind."]).await;
    let alice = server.client("alice");
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "developer", "content": "Be exact."},
        {"role": "tool", "tool_call_id": "x", "content": "ignored"},
        {"role": "user", "content": [{"type": "text", "text": "thr"}, {"type": "text", "text": "ee"}]},
    ]);
    let body = json!({
        "messages": messages, "model": "unknown", "temperature": 0.5, "top_p": 0.9,
        "max_tokens": 100, "stop": "END", "seed": 7, "user": "ignored", "unknown_field": {},
    });
    let answer = alice.post(PATHS[0], body).await;
    assert_eq!(answer.expect(StatusCode::OK)["model"], MODEL);
    let request = &model.requests()[0];
    let heard = json!([
        {"role": "system", "content": "Be kind.\n\nBe brief.\n\nBe exact."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]);
    assert_eq!(request["messages"], heard);
    for (name, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("max_tokens", json!(100)),
        ("stop", json!(["END"])),
        ("seed", json!(7)),
    ] {
        assert_eq!(request[name], value, "{name}");
    }
    let id = answer.header("x-conversation-id");
    let kept = contents(&alice, id).await;
    assert_eq!(kept, ["one", "two", "three", "You said: three"]);
    // Instructions of a turn are not kept for the next.
    ask(&alice, id, json!({"messages": user("four")}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(model.requests()[1]["messages"][0]["content"], "Be kind.");
}

#[tokio::test]
async fn chunks_come_in_the_order_that_the_sdks_need() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    for with_usage in [false, true] {
        let options = json!({"include_usage": with_usage});
        let body = json!({"messages": user("hello"), "stream": true, "stream_options": options});
        let answer = alice.post(PATHS[0], body).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.header("x-accel-buffering"), "no");
        assert!(answer.text.starts_with(": \n\n"));
        let (mut events, last) = events(&answer);
        assert_eq!(last, "[DONE]");
        if with_usage {
            let usage = events.pop().unwrap();
            assert_eq!(
                (&usage["choices"], &usage["usage"]["total_tokens"]),
                (&json!([]), &json!(18))
            );
        }
        assert_eq!(
            events[0]["choices"][0]["delta"],
            json!({"role": "assistant", "content": ""})
        );
        let end = events.last().unwrap();
        assert_eq!(end["choices"][0]["delta"], json!({}));
        assert_eq!(end["choices"][0]["finish_reason"], "stop");
        let text: String = events[1..events.len() - 1]
            .iter()
            .map(|event| event["choices"][0]["delta"]["content"].as_str().unwrap())
            .collect();
        assert_eq!(text, "You said: hello");
        for event in &events {
            assert_eq!(
                (&event["id"], &event["object"]),
                (&events[0]["id"], &json!("chat.completion.chunk"))
            );
            let usage = with_usage.then_some(&Value::Null);
            assert_eq!(event.get("usage"), usage);
        }
        let id = answer.header("x-conversation-id");
        assert_eq!(alice.history(id).await[1]["content"], "You said: hello");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_stream_is_an_error_event() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    model.script([Reply::Stream(vec![Step::text("half"), Step::Abort])]);
    let body = json!({"messages": user("hello"), "stream": true});
    let answer = alice.post(PATHS[0], body).await;
    let (events, last) = events(&answer);
    assert_eq!(events[1]["choices"][0]["delta"]["content"], "half");
    let error: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(error["error"]["code"], "model_failed");
    assert_eq!(error["error"]["type"], "server_error");
}

#[tokio::test]
async fn the_reason_of_the_end_is_told() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    for (upstream, told) in [
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
    ] {
        model.script([Reply::Stream(vec![Step::text("x"), Step::end(upstream)])]);
        let answer = alice
            .post(PATHS[0], json!({"messages": user("hello")}))
            .await;
        assert_eq!(
            answer.expect(StatusCode::OK)["choices"][0]["finish_reason"],
            told
        );
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "most of it is a table")]
async fn errors_are_in_openais_shape() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let bad = "invalid_request_error";
    let refused = server.client_with(None).post(PATHS[0], json!({})).await;
    check_error(
        &refused,
        StatusCode::UNAUTHORIZED,
        "authentication_error",
        "unauthorized",
        Value::Null,
    );
    assert_eq!(refused.header("www-authenticate"), "Bearer");

    let rows = [
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": user("")}), "messages"),
        (json!({"messages": user(&"x".repeat(10_001))}), "messages"),
        (json!({"messages": user("a\u{0}")}), "messages"),
        (
            json!({"messages": [{"role": "assistant", "content": "hi"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}),
            "messages",
        ),
        (json!({"messages": user("hi"), "n": 2}), "n"),
        (
            json!({"messages": user("hi"), "tools": [{"type": "function"}]}),
            "tools",
        ),
        (
            json!({"messages": user("hi"), "functions": [{}]}),
            "functions",
        ),
        (
            json!({"messages": user("hi"), "logprobs": true}),
            "logprobs",
        ),
        (
            json!({"messages": user("hi"), "response_format": {"type": "json_object"}}),
            "response_format",
        ),
        (
            json!({"messages": user("hi"), "temperature": "hot"}),
            "temperature",
        ),
    ];
    for (body, param) in rows {
        let answer = alice.post(PATHS[0], body).await;
        check_error(
            &answer,
            StatusCode::BAD_REQUEST,
            bad,
            "invalid_value",
            json!(param),
        );
    }
    let harmless = json!({
        "messages": user("hi"), "n": 1, "tools": [], "functions": null, "logprobs": false,
        "response_format": {"type": "text"}, "stop": null,
    });
    let answer = alice.post(PATHS[0], harmless).await;
    answer.expect(StatusCode::OK);
    let id = answer.header("x-conversation-id").to_owned();
    let other = json!({"messages": user("hi"), "metadata": {"conversation_id": "other"}});
    let param = json!("metadata.conversation_id");
    check_error(
        &ask(&alice, &id, other).await,
        StatusCode::BAD_REQUEST,
        bad,
        "invalid_value",
        param,
    );
    for (client, id) in [(&bob, id.as_str()), (&alice, "no-uuid")] {
        let answer = ask(client, id, json!({"messages": user("hi")})).await;
        check_error(
            &answer,
            StatusCode::NOT_FOUND,
            bad,
            "conversation_not_found",
            Value::Null,
        );
    }
}

#[tokio::test]
async fn what_is_kept_is_not_to_be_sent_again() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::error(401, "invalid_api_key")]);
    let failed = ask(&alice, &id, json!({"messages": user("hi")})).await;
    check_error(
        &failed,
        StatusCode::BAD_GATEWAY,
        "server_error",
        "model_unavailable",
        Value::Null,
    );
    assert_eq!(failed.header("x-should-retry"), "false");
    assert_eq!(alice.history(&id).await.len(), 1);
}

#[tokio::test]
async fn the_models_are_listed_and_can_be_chosen() {
    let model = FakeModel::start().await;
    let server =
        TestServer::start_asking(BACKEND, &model, &["--allowed-models=fake-model,other"]).await;
    let alice = server.client("alice");
    let list = alice.get("/v1/models").await;
    let ids: Vec<_> = list.expect(StatusCode::OK)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [MODEL, "other"]);
    for (asked, used) in [("other", "other"), ("unknown", MODEL)] {
        let answer = alice
            .post(PATHS[0], json!({"messages": user("hi"), "model": asked}))
            .await;
        assert_eq!(answer.expect(StatusCode::OK)["model"], used);
        assert_eq!(model.requests().last().unwrap()["model"], used);
    }
    let refused = server.client_with(None).get("/v1/models").await;
    check_error(
        &refused,
        StatusCode::UNAUTHORIZED,
        "authentication_error",
        "unauthorized",
        Value::Null,
    );
    let wrong = alice.send(alice.request(Method::GET, PATHS[0])).await;
    assert_eq!(
        (wrong.status, wrong.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}
