//! Services that answer their own way: what stays of a turn wherever its client leaves it, and what
//! other dialects see of it.

mod exhibitor;
mod steps;

use std::{sync::Arc, time::Duration};

use chatkit_agent::Responder;
use chatkit_tests::{
    Client, Extensions, TestServer, eventually,
    model::{FakeModel, Reply as Answer},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::{
    exhibitor::Exhibitor,
    steps::{Stepper, kept},
};
use crate::{
    BACKEND,
    suite::chatkit::{ask, events, items, said},
};

async fn server(
    model: &FakeModel,
    flags: &[&str],
    responder: impl Responder + 'static,
) -> TestServer {
    let extensions = Extensions {
        responder: Arc::new(responder),
        ..Extensions::default()
    };
    TestServer::start_extended(BACKEND, model, flags, extensions).await
}

/// What matters of an item: its id, its type and what it is.
fn content(item: &Value) -> Value {
    let mut item = item.clone();
    let members = item.as_object_mut().unwrap();
    members.remove("created_at");
    item
}

/// The run that answers, or has answered, in a thread.
async fn run_of(client: &Client, thread: &str) -> Value {
    let page = client
        .get(&format!("/api/chat/conversations/{thread}/messages"))
        .await;
    let active = &page.body["active_run"];
    if active.is_object() {
        return active.clone();
    }
    let run = page.body["messages"][0]["run_id"].as_str().unwrap();
    let run = client
        .get(&format!("/api/chat/conversations/{thread}/runs/{run}"))
        .await;
    run.body
}

#[tokio::test]
async fn wherever_a_client_leaves_what_was_done_stays() {
    let model = FakeModel::start().await;
    let stepper = Stepper::default();
    let server = server(&model, &[], stepper.clone()).await;
    let alice = server.client("alice");
    let (whole, thread) = stepper.run(&alice, usize::MAX).await;
    let last = items(&alice, &thread).await;
    let expected: Vec<Value> = kept(&whole, true).iter().map(content).collect();
    assert_eq!(last.iter().map(content).collect::<Vec<_>>(), expected);
    for count in 3..whole.len() {
        let (told, thread) = stepper.run(&alice, count).await;
        let may_stop = steps::may_stop(&told);
        if !may_stop {
            stepper.go_on();
        }
        let status = if may_stop { "cancelled" } else { "completed" };
        eventually("the turn has ended", async || {
            run_of(&alice, &thread).await["status"] == status
        })
        .await;
        let left = items(&alice, &thread).await;
        let types = |items: &[Value]| -> Vec<Value> {
            items.iter().map(|item| item["type"].clone()).collect()
        };
        if may_stop {
            let expected: Vec<Value> = kept(&told, false).iter().map(content).collect();
            let left: Vec<Value> = left.iter().map(content).collect();
            assert_eq!(left, expected, "behind {count} events: {told:?}");
        } else {
            assert_eq!(types(&left), types(&last), "behind {count} events");
        }
        // The next turn is told that the user stopped this one, once.
        let params = json!({"thread_id": thread, "input": said("notes")});
        let notes = events(&ask(&alice, "threads.add_user_message", params).await);
        let notes = notes[notes.len() - 1]["item"]["content"][0]["text"].clone();
        let stopped = notes.as_str().unwrap().matches("The user stopped").count();
        assert_eq!(stopped, usize::from(may_stop), "behind {count}: {notes}");
    }
}

#[tokio::test]
async fn a_model_reads_what_was_shown() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Answer::text("There you are.")]);
    alice.say(&id, "show").await;
    alice.say(&id, "And now?").await;
    let request = model.requests().pop().unwrap();
    let told = request["messages"].as_array().unwrap();
    let (system, told) = told.split_first().unwrap();
    assert_eq!(system["role"], "system");
    let roles: Vec<_> = told.iter().map(|m| m["role"].as_str().unwrap()).collect();
    let expected = [
        "user",
        "user",
        "user",
        "user",
        "user",
        "user",
        "assistant",
        "tool",
        "user",
        "assistant",
        "user",
    ];
    assert_eq!(roles, expected, "{told:?}");
    let text = |index: usize| told[index]["content"].as_str().unwrap();
    let card = r#"{"type":"Card","children":[{"type":"Text","value":"Sunny"}]}"#;
    assert!(text(1).starts_with("The user was shown the widget "));
    assert!(text(1).ends_with(card), "{}", text(1));
    assert_eq!(
        text(2),
        "The user was shown the step Look: out of the window"
    );
    assert_eq!(text(3), "The user was shown the step Booked: for two");
    assert!(text(4).contains("When?") && text(4).contains("At noon"));
    assert_eq!(text(5), "The user was shown a generated image.");
    assert_eq!(told[6]["tool_calls"][0]["id"], "done");
    assert_eq!(text(7), r#"{"x":1.0}"#);
    assert!(text(8).starts_with("<HiddenContext>"));
    assert!(text(8).contains("The user is an administrator."));
    assert_eq!((text(9), text(10)), ("There you are.", "And now?"));
    // REST has the messages alone, ChatKit everything but the note.
    assert_eq!(alice.history(&id).await.len(), 4);
    let shown = items(&alice, &id).await;
    assert_eq!(shown.len(), 4 + 8);
    assert!(
        !serde_json::to_string(&shown)
            .unwrap()
            .contains("administrator")
    );
}

/// The text of a stream of chat completions.
fn streamed_text(stream: &str) -> String {
    let chunks = stream.split("\n\n");
    let chunks = chunks.filter_map(|chunk| chunk.strip_prefix("data: "));
    let chunks = chunks.filter(|chunk| chunk.starts_with('{'));
    let texts = chunks.map(|chunk| {
        let chunk: Value = serde_json::from_str(chunk).unwrap();
        let delta = &chunk["choices"][0]["delta"]["content"];
        delta.as_str().unwrap_or_default().to_owned()
    });
    texts.collect()
}

#[tokio::test]
async fn other_dialects_see_what_a_responder_says() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "twice").await;
    assert_eq!(turn["assistant_message"]["content"], "Second.");
    let texts: Vec<Value> = alice
        .history(&id)
        .await
        .iter()
        .map(|m| m["content"].clone())
        .collect();
    assert_eq!(texts, ["twice", "First.", "Second."]);
    // Live and afterwards, here and at another replica.
    let other = server.replica().await;
    let replica = other.client("alice");
    let run = alice.begin_run(&id, json!({"content": "twice"})).await;
    let live = alice.follow_to_end(&run, None).await;
    let names: Vec<_> = live.iter().map(|event| event.name.as_str()).collect();
    let expected = [
        "run.started",
        "message.created",
        "message.completed",
        "message.delta",
        "message.delta",
        "message.completed",
        "run.completed",
    ];
    assert_eq!(names, expected);
    assert_eq!(replica.follow_to_end(&run, None).await, live);
    let after = live[3].id;
    assert_eq!(alice.follow_to_end(&run, Some(after)).await, live[4..]);
    let completion = json!({"messages": [{"role": "user", "content": "twice"}], "stream": true});
    let streamed = alice.post("/v1/chat/completions", completion).await;
    assert_eq!(streamed_text(&streamed.text), "First.\n\nSecond.");
    assert!(model.requests().is_empty());
}

#[tokio::test]
async fn a_refusal_is_told_in_every_dialect() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let path = format!("/api/chat/conversations/{id}/messages");
    let refused = alice.post(&path, json!({"content": "refuse"})).await;
    let problem = refused.expect_problem(StatusCode::BAD_GATEWAY, "refused");
    assert_eq!(problem["detail"], "Your plan does not allow this.");
    let params = json!({"thread_id": id, "input": said("refuse")});
    let told = events(&ask(&alice, "threads.add_user_message", params).await);
    let error = json!({
        "type": "error", "code": "custom", "message": "Your plan does not allow this.",
        "allow_retry": false,
    });
    assert_eq!(told[told.len() - 1], error);
    assert_eq!(
        told.iter().filter(|event| event["type"] == "error").count(),
        1
    );
}

#[tokio::test]
async fn a_locked_thread_says_so() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let told = events(&ask(&alice, "threads.create", json!({"input": said("lock")})).await);
    let thread = told[0]["thread"]["id"].as_str().unwrap();
    let locked = json!({"type": "locked", "reason": "Under review"});
    let updated = told
        .iter()
        .filter(|event| event["type"] == "thread.updated");
    let statuses: Vec<_> = updated
        .map(|event| event["thread"]["status"].clone())
        .collect();
    assert!(statuses.contains(&locked), "{statuses:?}");
    let read = ask(&alice, "threads.get_by_id", json!({"thread_id": thread})).await;
    assert_eq!(read.body["status"], locked);
    let list = ask(&alice, "threads.list", json!({})).await;
    assert_eq!(list.body["data"][0]["status"], locked);
    let params = json!({"thread_id": thread, "title": "Mine"});
    let renamed = ask(&alice, "threads.update", params).await;
    assert_eq!(
        (&renamed.body["status"], &renamed.body["title"]),
        (&locked, &json!("Mine"))
    );
}

#[tokio::test]
async fn a_responder_knows_the_language_of_the_user() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let body = json!({"type": "threads.create", "params": {"input": said("language")}});
    let request = alice
        .request(reqwest::Method::POST, "/chatkit")
        .header("Accept-Language", "pt-BR")
        .json(&body);
    let told = events(&alice.send(request).await);
    assert_eq!(told[told.len() - 1]["item"]["content"][0]["text"], "pt-BR");
}

#[tokio::test]
async fn a_responder_that_hangs_is_bounded() {
    let model = FakeModel::start().await;
    let server = server(&model, &["--run-timeout=300ms"], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let path = format!("/api/chat/conversations/{id}/messages");
    let late = tokio::time::timeout(
        Duration::from_secs(20),
        alice.post(&path, json!({"content": "hang"})),
    );
    let late = late.await.unwrap();
    late.expect_problem(StatusCode::GATEWAY_TIMEOUT, "model_timeout");
    alice.say(&id, "Hello").await;
}

#[tokio::test]
async fn who_waits_for_an_answer_is_given_one() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "widget").await;
    assert_eq!(turn["assistant_message"]["content"], "");
    assert_eq!(turn["run"]["status"], "completed");
    let chat = json!({"message": "widget"});
    let answered = alice.post("/api/v1/chat", chat).await;
    assert_eq!(answered.expect(StatusCode::OK)["response"], "");
    let told = events(&ask(&alice, "threads.create", json!({"input": said("widget")})).await);
    let thread = told[0]["thread"]["id"].as_str().unwrap();
    assert_eq!(alice.history(thread).await.len(), 1);
    assert_eq!(items(&alice, thread).await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_fails_replaces_none() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "once").await;
    let history = alice.history(&id).await;
    let user = turn["user_message"]["id"].as_str().unwrap();
    let path = format!("/api/chat/conversations/{id}/messages/{user}/regenerate");
    for _ in 0..2 {
        let failed = alice.post(&path, json!({})).await;
        failed.expect_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal_error");
        assert_eq!(alice.history(&id).await, history);
        assert_eq!(items(&alice, &id).await.len(), 2);
    }
    let read = alice.get(&format!("/api/chat/conversations/{id}")).await;
    assert_eq!(read.body["message_count"], 2);
    // A client that was told of the half is told that it is gone.
    let params = json!({"thread_id": id, "item_id": user});
    let told = events(&ask(&alice, "threads.retry_after_item", params).await);
    let id_of = |kind: &str| {
        let event = told.iter().find(|event| event["type"] == kind).unwrap();
        let item_id = event.get("item_id").unwrap_or_else(|| &event["item"]["id"]);
        item_id.clone()
    };
    assert_eq!(id_of("thread.item.removed"), id_of("thread.item.done"));
}

#[tokio::test]
async fn answers_that_change_and_interleave_are_one_stream() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let completion = json!({"messages": [{"role": "user", "content": "mend"}], "stream": true});
    let streamed = alice.post("/v1/chat/completions", completion).await;
    let expected = "first version\n\nHel\n\nIn between.\n\nlo.";
    assert_eq!(streamed_text(&streamed.text), expected);
    // A client of ChatKit is told each as it is, once.
    let told = events(&ask(&alice, "threads.create", json!({"input": said("mend")})).await);
    let done = told
        .iter()
        .filter(|event| event["type"] == "thread.item.done");
    assert_eq!(done.count(), 1 + 3);
    let thread = told[0]["thread"]["id"].as_str().unwrap();
    let texts: Vec<Value> = items(&alice, thread)
        .await
        .iter()
        .map(|item| item["content"][0]["text"].clone())
        .collect();
    assert_eq!(texts, ["mend", "second version", "In between.", "Hello."]);
}

#[tokio::test]
async fn a_quote_and_a_long_past_survive_what_is_shown() {
    let model = FakeModel::start().await;
    let flags = ["--context-chars=2000"];
    let server = server(&model, &flags, Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    alice.say(&id, "My name is Ada").await;
    alice.say(&id, "picture").await;
    let mut input = said("note");
    input["quoted_text"] = json!("carpe diem");
    let params = json!({"thread_id": id, "input": input});
    events(&ask(&alice, "threads.add_user_message", params).await);
    let told = model.requests().pop().unwrap()["messages"].to_string();
    assert!(told.contains("My name is Ada"), "{told}");
    assert!(told.contains("I quote:\\ncarpe diem"), "{told}");
    assert!(told.contains("administrator"), "{told}");
}

#[tokio::test]
async fn what_was_taken_back_is_gone_once() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let told = events(&ask(&alice, "threads.create", json!({"input": said("withdraw")})).await);
    let removed = told
        .iter()
        .filter(|event| event["type"] == "thread.item.removed");
    assert_eq!(removed.count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_withdrawn_message_is_retracted_over_rest() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let replica = server.replica().await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = alice
        .begin_run(&id, json!({"content": "withdraw and answer"}))
        .await;
    let live = alice.follow_to_end(&run, None).await;
    let names: Vec<_> = live.iter().map(|event| event.name.as_str()).collect();
    let expected = [
        "run.started",
        "message.created",
        "message.completed",
        "message.removed",
        "message.delta",
        "message.removed",
        "message.completed",
        "run.completed",
    ];
    assert_eq!(names, expected);
    assert_eq!(live[3].data["message_id"], live[2].data["message"]["id"]);
    assert_eq!(live[5].data["message_id"], live[4].data["message_id"]);
    let other = replica.client("alice");
    for after in 0..live.len() {
        let number = live.get(after.wrapping_sub(1)).map(|event| event.id);
        assert_eq!(other.follow_to_end(&run, number).await, live[after..]);
    }
}

#[tokio::test]
async fn a_message_that_is_interrupted_after_it_was_emitted_is_not_emitted_again() {
    let model = FakeModel::start().await;
    let server = server(&model, &[], Exhibitor).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = alice
        .begin_run(&id, json!({"content": "say and hang"}))
        .await;
    let mut live = alice.follow(&run, None).await;
    let mut told = live.up_to(|event| event.name == "message.completed").await;
    let cancelled = alice.post(&format!("{run}/cancel"), json!({})).await;
    cancelled.expect(StatusCode::ACCEPTED);
    told.extend(live.rest().await);
    let names: Vec<_> = told.iter().map(|event| event.name.as_str()).collect();
    let expected = [
        "run.started",
        "message.created",
        "message.completed",
        "run.cancelled",
    ];
    assert_eq!(names, expected);
    let ended = &told[3].data["run"];
    assert_eq!(ended["assistant_message_id"], told[2].data["message"]["id"]);
    assert_eq!(alice.follow_to_end(&run, None).await, told);
}
