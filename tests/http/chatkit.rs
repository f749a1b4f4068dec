//! `POST /chatkit`: the ChatKit protocol, beside REST.

mod access;

use std::time::Duration;

use chatkit_tests::{
    Answer, Client, TestServer, eventually,
    model::{FakeModel, Reply, Step},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

pub(crate) fn said(text: &str) -> Value {
    json!({
        "content": [{"type": "input_text", "text": text}],
        "attachments": [], "quoted_text": "", "inference_options": {},
    })
}

pub(crate) async fn ask(client: &Client, operation: &str, params: Value) -> Answer {
    let body = json!({"type": operation, "params": params});
    client.post("/chatkit", body).await
}

/// The events of a stream that has ended.
pub(crate) fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let data = answer
        .text
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    let types = events.iter().map(|event| event["type"].as_str().unwrap());
    types.collect()
}

async fn create(client: &Client, text: &str) -> (String, Vec<Value>) {
    let created = ask(client, "threads.create", json!({"input": said(text)})).await;
    let events = events(&created);
    (
        events[0]["thread"]["id"].as_str().unwrap().to_owned(),
        events,
    )
}

pub(crate) async fn items(client: &Client, thread: &str) -> Vec<Value> {
    let params = json!({"thread_id": thread, "order": "asc"});
    let page = ask(client, "items.list", params).await;
    page.expect(StatusCode::OK)["data"]
        .as_array()
        .unwrap()
        .clone()
}

/// Begins a turn and goes away behind its first text.
async fn leave(client: &Client, thread: &str, text: &str) {
    let body = json!({
        "type": "threads.add_user_message",
        "params": {"thread_id": thread, "input": said(text)},
    });
    let request = client.request(Method::POST, "/chatkit").json(&body);
    let mut response = request.send().await.unwrap();
    let mut told = String::new();
    while !told.contains("text_delta") {
        told.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
}

fn half() -> Reply {
    Reply::Stream(vec![Step::text("Half of it"), Step::Stall])
}

#[tokio::test]
async fn a_turn_is_told_in_chatkits_words() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    model.script([
        Reply::calls(&[("c1", "add_task", r#"{"title":"Milk"}"#)]),
        Reply::text("Added milk."),
    ]);
    let (thread, events) = create(&alice, "Add milk").await;
    let told = types(&events);
    assert_eq!(
        told[..6],
        [
            "thread.created",
            "thread.item.done",
            "stream_options",
            "thread.updated",
            "thread.item.added",
            "thread.item.updated",
        ]
    );
    assert_eq!(
        told[6..],
        [
            "thread.item.done",
            "thread.item.added",
            "thread.item.updated",
            "thread.item.updated",
            "thread.item.updated",
            "thread.item.updated",
            "thread.item.done"
        ]
    );
    assert_eq!(events[0]["thread"].get("title"), None);
    assert_eq!(events[3]["thread"]["title"], "Add milk");
    let step = |event: &Value| event["status_indicator"].clone();
    assert_eq!(step(&events[4]["item"]["workflow"]["tasks"][0]), "loading");
    assert_eq!(step(&events[5]["update"]["task"]), "complete");
    assert_eq!(events[12]["item"]["content"][0]["text"], "Added milk.");
    assert_eq!(events[7]["item"]["id"], events[12]["item"]["id"]);
    // A thread is a conversation, an item is a message, a turn is a run.
    let history = alice.history(&thread).await;
    let mut listed = items(&alice, &thread).await;
    let steps = listed.remove(1);
    assert_eq!(
        steps["workflow"]["tasks"],
        events[6]["item"]["workflow"]["tasks"]
    );
    assert_eq!(steps["id"], events[6]["item"]["id"]);
    for (item, message) in listed.iter().zip(&history) {
        assert_eq!(item["id"], message["id"]);
        assert_eq!(item["created_at"], message["created_at"]);
        assert_eq!(item["content"][0]["text"], message["content"]);
    }
    let run = history[1]["run_id"].as_str().unwrap();
    let run = format!("/api/chat/conversations/{thread}/runs/{run}");
    let followed = alice.follow_to_end(&run, None).await;
    assert_eq!(followed[followed.len() - 1].name, "run.completed");
}

#[tokio::test]
async fn a_wrong_request_gets_a_written_sentence() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let mut numbered = said("hello");
    numbered["content"] = json!(5);
    let mut untyped = said("hello");
    untyped["content"] = json!([{"text": "hello"}]);
    for (body, path, rule) in [
        (json!({}), "type", "is required"),
        (json!({"type": 5}), "type", "must be a string"),
        (
            json!({"params": {}, "type": "threads.get_by_id"}),
            "params.thread_id",
            "is required",
        ),
        (json!({"type": "threads.list"}), "params", "is required"),
        (
            json!({"type": "items.list", "params": {"thread_id": "a", "limit": "x"}}),
            "params.limit",
            "must be an integer",
        ),
        (
            json!({"type": "threads.create", "params": {"input": numbered}}),
            "params.input.content",
            "must be an array",
        ),
        (
            json!({"type": "threads.create", "params": {"input": untyped}}),
            "params.input.content[0].type",
            "is required",
        ),
    ] {
        let refused = alice.post("/chatkit", body.clone()).await;
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        let error = json!([{"path": path, "message": rule}]);
        assert_eq!(problem["errors"], error, "{body}");
    }
    let unknown = ask(&alice, "threads.rename", json!({})).await;
    let problem = unknown.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("type: must be one of `threads.create`, "),
        "{detail}"
    );
    assert!(detail.ends_with(", `input.transcribe`"), "{detail}");
}

/// What a model of the Responses API thinks.
fn thinks(texts: &[&str]) -> Vec<Value> {
    let thought = |text| json!({"type": "response.reasoning_summary_text.delta", "delta": text});
    texts.iter().map(thought).collect()
}

#[tokio::test]
async fn what_a_model_thinks_is_shown_and_kept() {
    let model = FakeModel::start().await;
    let flags = ["--openai-api=responses"];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    let alice = server.client("alice");
    let mut calls = thinks(&["First I ", "look."]);
    let call = json!({
        "type": "function_call", "call_id": "c1", "name": "list_tasks", "arguments": "{}",
    });
    calls.push(json!({"type": "response.output_item.done", "item": call}));
    calls.push(json!({"type": "response.completed", "response": {}}));
    let mut says = thinks(&["Nothing there."]);
    says.push(json!({"type": "response.output_text.delta", "delta": "You have no tasks."}));
    says.push(json!({"type": "response.completed", "response": {}}));
    model.script([Reply::Response(calls), Reply::Response(says)]);
    let (thread, events) = create(&alice, "What is there to do?").await;
    let workflows = events
        .iter()
        .filter(|event| event["type"] == "thread.item.done" && event["item"]["type"] == "workflow");
    let told: Vec<Value> = workflows.map(|event| event["item"].clone()).collect();
    let shown: Vec<_> = told
        .iter()
        .map(|item| (&item["workflow"]["type"], &item["workflow"]["tasks"][0]))
        .collect();
    let thought = |text: &str| {
        let (thought, none) = ("thought", "none");
        json!({"type": thought, "status_indicator": none, "content": text})
    };
    assert_eq!(shown[0], (&json!("reasoning"), &thought("First I look.")));
    assert_eq!(shown[1].0, "custom");
    assert_eq!(shown[2], (&json!("reasoning"), &thought("Nothing there.")));
    let first = told[0]["id"].as_str().unwrap();
    let mut of_first = events.iter().filter(|event| event["item_id"] == first);
    let last = of_first.next_back().unwrap();
    assert_eq!(last["update"]["task"]["content"], "First I look.");
    // Read again, it is the same; to REST and to the model it is nothing.
    let listed = items(&alice, &thread).await;
    assert!(listed.contains(&told[0]) && listed.contains(&told[2]));
    assert_eq!(alice.history(&thread).await.len(), 2);
    model.script([Reply::response("Bye.")]);
    alice.say(&thread, "Bye").await;
    let asked = model.requests().pop().unwrap().to_string();
    assert!(
        asked.contains("no tasks") && !asked.contains("I look"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_user_can_choose_the_tool_and_the_language() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let mut input = said("Milk");
    input["inference_options"] = json!({"tool_choice": {"id": "add_task"}});
    model.script([
        Reply::calls(&[("c1", "add_task", r#"{"title":"Milk"}"#)]),
        Reply::text("Hinzugefügt."),
    ]);
    let body = json!({"type": "threads.create", "params": {"input": input}});
    let request = alice
        .request(Method::POST, "/chatkit")
        .header("Accept-Language", "de-DE")
        .json(&body);
    events(&alice.send(request).await);
    let requests = model.requests();
    let choice = json!({"type": "function", "function": {"name": "add_task"}});
    assert_eq!(requests[0]["tool_choice"], choice);
    assert_eq!(requests[1].get("tool_choice"), None);
    assert!(
        requests[0]["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("de-DE")
    );
    input["inference_options"] = json!({"tool_choice": {"id": "no_tool"}});
    let refused = ask(&alice, "threads.create", json!({"input": input})).await;
    refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
}

#[tokio::test]
async fn what_is_said_elsewhere_is_an_item_too() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    alice.say(&id, "Hello").await;
    let input = json!({"thread_id": id, "input": said("And again")});
    events(&ask(&alice, "threads.add_user_message", input).await);
    let items = items(&alice, &id).await;
    assert_eq!(
        items[0]["content"],
        json!([{"type": "input_text", "text": "Hello"}])
    );
    let ids: Vec<_> = items.iter().map(|item| &item["id"]).collect();
    let history = alice.history(&id).await;
    let messages: Vec<_> = history.iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, messages);
}

#[tokio::test]
async fn who_leaves_stops_the_answer_and_can_go_on_at_once() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let (thread, _) = create(&alice, "Hello").await;
    model.script([half(), Reply::text("Never mind, then.")]);
    leave(&alice, &thread, "Tell me a long story").await;
    let input = json!({"thread_id": thread, "input": said("No, stop")});
    let next = events(&ask(&alice, "threads.add_user_message", input).await);
    assert_eq!(next[next.len() - 1]["type"], "thread.item.done");
    let texts: Vec<_> = items(&alice, &thread)
        .await
        .iter()
        .map(|item| item["content"][0]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        texts[2..],
        [
            "Tell me a long story",
            "Half of it",
            "No, stop",
            "Never mind, then."
        ]
    );
    // The model is told that the user stopped it; the client is not.
    let told = model.requests().pop().unwrap()["messages"].to_string();
    assert!(told.contains("The user stopped this answer."), "{told}");
}

#[tokio::test]
async fn who_leaves_stops_the_answer_without_another_word() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let (thread, _) = create(&alice, "Hello").await;
    model.script([half()]);
    leave(&alice, &thread, "Tell me a long story").await;
    eventually("what was said is kept", || async {
        alice.history(&thread).await.len() == 4
    })
    .await;
    let answer = alice.history(&thread).await[3].clone();
    assert_eq!(
        (&answer["content"], &answer["status"]),
        (&json!("Half of it"), &json!("incomplete"))
    );
    let run = answer["run_id"].as_str().unwrap();
    let run = alice
        .get(&format!("/api/chat/conversations/{thread}/runs/{run}"))
        .await;
    assert_eq!(run.body["status"], "cancelled");
}

#[tokio::test]
async fn what_cannot_be_retried_stops_nothing() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--chatkit-allow-cancel=false"]).await;
    let alice = server.client("alice");
    let (thread, _) = create(&alice, "Hello").await;
    let answer = items(&alice, &thread).await[1]["id"].clone();
    model.script([half()]);
    leave(&alice, &thread, "Tell me a long story").await;
    for (item, status) in [
        (answer, StatusCode::UNPROCESSABLE_ENTITY),
        (json!(thread), StatusCode::NOT_FOUND),
    ] {
        let params = json!({"thread_id": thread, "item_id": item});
        let refused = ask(&alice, "threads.retry_after_item", params).await;
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    let list = alice
        .get(&format!("/api/chat/conversations/{thread}/messages"))
        .await;
    assert_eq!(list.body["active_run"]["status"], "running");
}

#[tokio::test]
async fn who_may_not_stop_leaves_the_answer_alone() {
    let model = FakeModel::start().await;
    let flags = ["--chatkit-allow-cancel=false"];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    let alice = server.client("alice");
    let (thread, begun) = create(&alice, "Hello").await;
    assert_eq!(begun[2]["stream_options"]["allow_cancel"], false);
    let steps = [
        Step::text("Half of it"),
        Step::Wait(Duration::from_millis(500)),
        Step::text(" and the rest."),
        Step::end("stop"),
    ];
    model.script([Reply::Stream(steps.into())]);
    leave(&alice, &thread, "Tell me a story").await;
    eventually("the answer is there", || async {
        let items = items(&alice, &thread).await;
        items.len() == 4 && items[3]["content"][0]["text"] == "Half of it and the rest."
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_the_model_cuts_short_is_followed_by_a_notice() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    for (reason, words) in [
        ("length", "length limit"),
        ("content_filter", "content filter"),
    ] {
        model.script([Reply::Stream(vec![Step::text("Half"), Step::end(reason)])]);
        let (_, events) = create(&alice, "Hello").await;
        let [.., done, notice] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(done["item"]["content"][0]["text"], "Half");
        assert_eq!(
            (&notice["type"], &notice["level"]),
            (&json!("notice"), &json!("warning"))
        );
        assert!(
            notice["message"].as_str().unwrap().contains(words),
            "{notice}"
        );
    }
}

#[tokio::test]
async fn a_turn_that_fails_says_so_and_can_be_retried() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let pause = Step::Wait(Duration::from_millis(300));
    model.script([Reply::Stream(vec![Step::text("Half"), pause, Step::Abort])]);
    let (thread, events_of_first) = create(&alice, "Hello").await;
    let [.., done, error] = &events_of_first[..] else {
        panic!("{events_of_first:?}");
    };
    // The half is stored.
    assert_eq!(done["type"], "thread.item.done");
    assert_eq!(done["item"]["content"][0]["text"], "Half");
    assert_eq!(
        error,
        &json!({"type": "error", "code": "stream.error", "allow_retry": true})
    );
    let kept = items(&alice, &thread).await;
    assert_eq!(kept.len(), 2);
    let params = json!({"thread_id": thread, "item_id": kept[0]["id"]});
    let again = events(&ask(&alice, "threads.retry_after_item", params).await);
    assert_eq!(again[0]["type"], "stream_options");
    assert_eq!(
        again[again.len() - 1]["item"]["content"][0]["text"],
        "You said: Hello"
    );
    assert_eq!(items(&alice, &thread).await.len(), 2);
}

#[tokio::test]
async fn an_answer_of_another_dialect_is_not_stopped() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([half()]);
    let run = alice.begin_run(&id, json!({"content": "Mine"})).await;
    let params = json!({"thread_id": id, "input": said("Me too")});
    let refused = events(&ask(&alice, "threads.add_user_message", params).await);
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["code"], &refused[0]["allow_retry"]),
        (&json!("custom"), &json!(true))
    );
    let body = json!({
        "type": "threads.add_user_message",
        "params": {"thread_id": id, "input": said("Ich auch")},
    });
    let request = alice
        .request(Method::POST, "/chatkit")
        .header("Accept-Language", "de-DE")
        .json(&body);
    let refused = events(&alice.send(request).await);
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.starts_with("Diese Unterhaltung"), "{message}");
    assert_eq!(alice.get(&run).await.body["status"], "running");
}

#[tokio::test]
async fn a_quote_reaches_the_model_and_options_are_checked() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let mut input = said("What does it mean?");
    input["quoted_text"] = json!("carpe diem \\u0000");
    events(&ask(&alice, "threads.create", json!({"input": input})).await);
    let told = model.requests()[0]["messages"].clone();
    assert!(told.to_string().contains("carpe diem"));
    assert_eq!(
        told.as_array().unwrap().last().unwrap()["content"],
        "What does it mean?"
    );
    for (name, value) in [
        ("inference_options", json!({"model": "another"})),
        ("content", json!([])),
        (
            "content",
            json!([{"type": "input_text", "text": "a\u{0}b"}]),
        ),
        ("quoted_text", json!("\u{0}")),
        ("quoted_text", json!("x".repeat(10_001))),
        ("content", {
            let data = json!({"a": "x".repeat(70_000)});
            json!([{"type": "input_tag", "id": "x", "text": "b", "data": data}])
        }),
        (
            "content",
            json!([
                {"type": "input_text", "text": "a"},
                {"type": "input_tag", "id": "x", "text": "b", "data": {"\u{0}": 1}},
            ]),
        ),
    ] {
        let mut wrong = said("Hello");
        wrong[name] = value;
        let refused = ask(&alice, "threads.create", json!({"input": wrong})).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    assert_eq!(
        ask(&alice, "threads.list", json!({})).await.body["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
