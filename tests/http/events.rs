//! `/api/chat/conversations/{conversation_id}/runs/{run_id}/events`.

use std::time::Duration;

use chatkit_tests::{
    Client, TestServer, eventually,
    follow::{Event, names, text_of},
    model::{FakeModel, Reply, Step},
};
use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

/// Words, with a pause behind each.
fn slowly(text: &str, pause: Duration) -> Reply {
    let words = text
        .split_inclusive(' ')
        .flat_map(|word| [Step::text(word), Step::Wait(pause)]);
    Reply::Stream(words.chain([Step::end("stop")]).collect())
}

/// An answer with two rounds of tools and text before, between and behind them.
fn with_tools() -> [Reply; 3] {
    let round = |text: &str, call: Step| {
        let mut steps: Vec<Step> = text.split_inclusive(' ').map(Step::text).collect();
        steps.push(Step::Wait(Duration::from_millis(150)));
        steps.push(call);
        steps.push(Step::end("tool_calls"));
        Reply::Stream(steps)
    };
    [
        round(
            "Let me add it.",
            Step::call(0, "c1", "add_task", r#"{"title":"Milk"}"#),
        ),
        round("Let me look.", Step::call(0, "c2", "list_tasks", "{}")),
        slowly("You have one task: milk.", Duration::from_millis(60)),
    ]
}

fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([slowly("One two three four.", Duration::from_millis(100))]);
    let run = alice.begin_run(&id, json!({"content": "count"})).await;
    let mut stream = alice.follow(&run, None).await;
    assert_eq!(stream.status, StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.headers[name], value);
    }
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        assert!(stream.comments >= 1, "a comment comes first");
        assert_eq!(event.data["type"], event.name.as_str());
        events.push(event);
    }
    assert_eq!(stream.retry, None);
    assert!(ids(&events).is_sorted_by(|one, next| one < next));
    let (first, last) = (&events[0], &events[events.len() - 1]);
    assert_eq!(first.data["run"]["status"], "running");
    assert_eq!(events[1].data["message"]["content"], "count");
    assert_eq!(names(&events)[..2], ["run.started", "message.created"]);
    assert_eq!(text_of(&events), "One two three four.");
    let history = alice.history(&id).await;
    let completed = &events[events.len() - 2];
    assert_eq!(completed.name, "message.completed");
    assert_eq!(completed.data["message"], history[1]);
    assert_eq!(history[1]["id"], first.data["run"]["assistant_message_id"]);
    assert_eq!(last.name, "run.completed");
    assert_eq!(last.data["run"], alice.get(&run).await.body);
    for event in &events[2..events.len() - 2] {
        assert_eq!(event.data["message_id"], history[1]["id"]);
    }
    let nothing = alice.follow(&run, Some(last.id)).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
}

/// Follows with a connection that is cut behind every event, to the run's end.
async fn follow_in_pieces(clients: &[Client], run: &str) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for client in clients.iter().cycle() {
        let after = all.last().map(|event| event.id);
        let mut stream = client.follow(run, after).await;
        if stream.status == StatusCode::NO_CONTENT {
            return all;
        }
        all.extend(stream.next().await);
    }
    all
}

#[tokio::test]
async fn a_connection_that_is_cut_loses_nothing() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let replica = server.replica().await;
    let (here, there) = (server.client("alice"), replica.client("alice"));
    let id = here.create_conversation().await;
    model.script(with_tools());
    let run = here.begin_run(&id, json!({"content": "add milk"})).await;
    let followers = [
        vec![here.clone()],
        vec![there.clone()],
        vec![here.clone(), there.clone()],
    ];
    let in_pieces = followers
        .iter()
        .map(|clients| follow_in_pieces(clients, &run));
    let (whole, whole_there, in_pieces) = tokio::join!(
        here.follow_to_end(&run, None),
        there.follow_to_end(&run, None),
        futures::future::join_all(in_pieces),
    );
    assert_eq!(whole_there, whole);
    for pieces in in_pieces {
        assert_eq!(pieces, whole);
    }
    let text = "Let me add it.\n\nLet me look.\n\nYou have one task: milk.";
    assert_eq!(text_of(&whole), text);
    assert_eq!(alice_answer(&here, &id).await["content"], text);
    let steps: Vec<_> = names(&whole)
        .into_iter()
        .filter(|name| *name != "message.delta")
        .collect();
    assert_eq!(
        steps,
        [
            "run.started",
            "message.created",
            "tool_call.started",
            "tool_call.completed",
            "tool_call.started",
            "tool_call.completed",
            "message.completed",
            "run.completed"
        ]
    );
    // Once it has ended, from every point and everywhere.
    for client in [&here, &there] {
        assert_eq!(client.follow_to_end(&run, None).await, whole);
        for (index, event) in whole[..whole.len() - 1].iter().enumerate() {
            let rest = client.follow_to_end(&run, Some(event.id)).await;
            assert_eq!(rest, whole[index + 1..]);
        }
    }
}

async fn alice_answer(client: &Client, conversation: &str) -> Value {
    client.history(conversation).await[1].clone()
}

#[tokio::test]
async fn a_tool_call_is_told_when_it_begins_and_when_it_is_done() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script(with_tools());
    let run = alice.begin_run(&id, json!({"content": "add milk"})).await;
    let events = alice.follow_to_end(&run, None).await;
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| event.data.get("tool_call"))
        .collect();
    assert_eq!(calls[0]["status"], "running");
    assert_eq!(calls[0]["tool_name"], "add_task");
    assert_eq!(calls[0]["arguments"], json!({"title": "Milk"}));
    assert_eq!(calls[0]["result"], Value::Null);
    let message = alice_answer(&alice, &id).await;
    assert_eq!(calls[1], &message["tool_calls"][0]);
    assert_eq!(calls[3], &message["tool_calls"][1]);
}

#[tokio::test]
async fn a_run_whose_events_were_swept_is_told_again() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script(with_tools());
    let run = alice.begin_run(&id, json!({"content": "add milk"})).await;
    let before = alice.follow_to_end(&run, None).await;
    let repositories = server.database().repositories().await;
    let sweep = async |later| {
        let now = Utc::now() + TimeDelta::minutes(later);
        repositories.journal.sweep_events(now).await.unwrap()
    };
    assert_eq!(sweep(-1).await, 0, "what has just ended is kept");
    assert_eq!(alice.follow_to_end(&run, None).await, before);
    assert_eq!(sweep(1).await, 1);
    let after = alice.follow_to_end(&run, None).await;
    assert_ne!(after, before);
    assert_eq!(text_of(&after), text_of(&before));
    assert_eq!(after.last(), before.last());
    let steps = |events: &[Event]| -> Vec<_> {
        let steps = events.iter().filter(|event| event.name != "message.delta");
        steps.map(|event| event.data.clone()).collect()
    };
    assert_eq!(steps(&after), steps(&before));
    // Who had a part of it is given the whole answer, and nothing twice.
    let rest = alice.follow_to_end(&run, Some(before[5].id)).await;
    assert_eq!(rest, before[before.len() - 2..]);
    let last = before[before.len() - 1].id;
    let nothing = alice.follow(&run, Some(last)).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_run_that_nobody_followed_is_told_all_the_same() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    for said in ["Hello", "Add tasks: a, b and c"] {
        let turn = alice.say(&id, said).await;
        let run = turn["run"]["id"].as_str().unwrap();
        let run = format!("/api/chat/conversations/{id}/runs/{run}");
        let events = alice.follow_to_end(&run, None).await;
        assert_eq!(events[0].name, "run.started");
        assert_eq!(events[1].data["message"], turn["user_message"]);
        assert_eq!(text_of(&events), turn["assistant_message"]["content"]);
        let calls = events
            .iter()
            .filter(|event| event.name.starts_with("tool_call"));
        let told = turn["run"]["tool_calls"].as_array().unwrap().len();
        assert_eq!(calls.count(), 2 * told);
        assert_eq!(events[events.len() - 1].data["run"], turn["run"]);
        let in_pieces = follow_in_pieces(std::slice::from_ref(&alice), &run).await;
        assert_eq!(in_pieces, events);
    }
}

#[tokio::test]
async fn a_stopped_and_a_failed_run_tell_their_end() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::Stream(vec![Step::text("Half"), Step::Stall])]);
    let run = alice
        .begin_run(&id, json!({"content": "a long story"}))
        .await;
    let mut stream = alice.follow(&run, None).await;
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        if event.name == "message.delta" {
            let stop = alice.post(&format!("{run}/cancel"), json!({})).await;
            stop.expect(StatusCode::ACCEPTED);
        }
        events.push(event);
    }
    assert_eq!(
        names(&events)[2..],
        ["message.delta", "message.completed", "run.cancelled"]
    );
    assert_eq!(events[3].data["message"]["status"], "incomplete");
    assert_eq!(
        follow_in_pieces(std::slice::from_ref(&alice), &run).await,
        events
    );

    let question = alice.history(&id).await[0]["id"].clone();
    model.script([Reply::Stream(vec![Step::text("Half"), Step::Abort])]);
    let run = alice.begin_run(&id, json!({"regenerate": question})).await;
    let events = alice.follow_to_end(&run, None).await;
    assert_eq!(events[0].name, "run.started");
    assert_eq!(events[0].data["run"]["user_message_id"], question);
    let end = &events[events.len() - 1];
    assert_eq!(end.name, "run.failed");
    assert_eq!(end.data["run"]["error"]["code"], "model_failed");
    // The message is not new, and there is no answer.
    for absent in ["message.created", "message.completed"] {
        assert!(!names(&events).contains(&absent));
    }
}

#[tokio::test]
async fn a_silent_model_does_not_lose_its_run() {
    let model = FakeModel::start().await;
    let flags = ["--run-lease=1s"];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    // It would take the run as soon as its lease is over.
    let replica = server.replica().await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let silence = Duration::from_millis(3_500);
    let steps = [
        Step::text("Let me think. "),
        Step::Wait(silence),
        Step::text("Done."),
    ];
    model.script([Reply::Stream(
        steps.into_iter().chain([Step::end("stop")]).collect(),
    )]);
    let run = alice.begin_run(&id, json!({"content": "think"})).await;
    let events = replica.client("alice").follow_to_end(&run, None).await;
    assert_eq!(text_of(&events), "Let me think. Done.");
    assert_eq!(events[events.len() - 1].name, "run.completed");
}

#[tokio::test]
async fn where_to_begin_is_said_in_two_ways() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = alice.begin_run(&id, json!({"content": "hi"})).await;
    let all = alice.follow_to_end(&run, None).await;
    let path = format!("{run}/events");
    let after = format!("{path}?after={}", all[0].id);
    let answer = alice.get(&after).await;
    assert!(answer.text.contains("event: message.created"));
    assert!(!answer.text.contains("event: run.started"));
    // The header wins.
    let last = all[all.len() - 1].id;
    let request = alice
        .request(Method::GET, &after)
        .header("Last-Event-ID", last);
    let nothing = alice.send(request).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    for wrong in ["x", "-1", "1.5"] {
        let refused = alice.get(&format!("{path}?after={wrong}")).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        let request = alice
            .request(Method::GET, &path)
            .header("Last-Event-ID", wrong);
        let refused = alice.send(request).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    for (accept, status) in [
        ("text/event-stream", StatusCode::OK),
        ("application/json", StatusCode::NOT_ACCEPTABLE),
    ] {
        let request = alice.request(Method::GET, &path).header("Accept", accept);
        assert_eq!(alice.send(request).await.status, status);
    }
}

#[tokio::test]
async fn who_leaves_ends_nothing_and_a_deleted_conversation_ends_all() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let replica = server.replica().await;
    let (here, there) = (server.client("alice"), replica.client("alice"));
    let id = here.create_conversation().await;
    model.script([Reply::Stream(vec![Step::text("Half"), Step::Stall])]);
    let run = here
        .begin_run(&id, json!({"content": "a long story"}))
        .await;
    let mut left = here.follow(&run, None).await;
    assert_eq!(left.next().await.unwrap().name, "run.started");
    drop(left);
    let (mut stays, mut stays_there) = (
        here.follow(&run, None).await,
        there.follow(&run, None).await,
    );
    for stream in [&mut stays, &mut stays_there] {
        while stream.next().await.unwrap().name != "message.delta" {}
    }
    let path = format!("/api/chat/conversations/{id}");
    here.delete(&path).await.expect(StatusCode::NO_CONTENT);
    let mut last = None;
    while let Some(event) = stays.next().await {
        last = Some(event.name);
    }
    assert_eq!(last.as_deref(), Some("run.cancelled"));
    // There it is only known that the conversation is no more.
    assert_eq!(stays_there.next().await, None);
    assert_eq!(stays_there.retry, None);
    eventually("the run is gone", || async {
        there.follow(&run, None).await.status == StatusCode::NOT_FOUND
    })
    .await;
}

#[tokio::test]
async fn those_who_follow_elsewhere_may_be_at_different_places() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let replica = server.replica().await;
    let (here, there) = (server.client("alice"), replica.client("alice"));
    let id = here.create_conversation().await;
    let silence = Step::Wait(Duration::from_secs(2));
    let steps = [
        silence,
        Step::text("Good "),
        Step::text("morning."),
        Step::end("stop"),
    ];
    model.script([Reply::Stream(steps.into())]);
    let run = here.begin_run(&id, json!({"content": "hello"})).await;
    // One claims to know what nobody has told it, and comes first.
    let mut ahead = there.follow(&run, Some(4)).await;
    assert_eq!(ahead.status, StatusCode::OK);
    let (whole, from_the_first) = tokio::join!(
        there.follow_to_end(&run, None),
        there.follow_to_end(&run, Some(1)),
    );
    assert_eq!(text_of(&whole), "Good morning.");
    assert_eq!(from_the_first, whole[1..]);
    for expected in &whole[4..] {
        assert_eq!(ahead.next().await.as_ref(), Some(expected));
    }
    assert_eq!(ahead.next().await, None);
}

#[tokio::test]
async fn a_stream_shows_that_it_lives_also_while_nothing_is_to_be_told() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--openai-api=responses"]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    // Nothing of a call is shown before it is complete.
    let piece = json!({"type": "response.function_call_arguments.delta", "delta": " "});
    let pieces = [Step::Chunk(piece), Step::Wait(Duration::from_secs(1))];
    let steps: Vec<Step> = pieces.into_iter().cycle().take(36).collect();
    let end = [
        Step::Chunk(json!({"type": "response.output_text.delta", "delta": "Done."})),
        Step::Chunk(json!({"type": "response.completed", "response": {}})),
    ];
    model.script([Reply::Stream(steps.into_iter().chain(end).collect())]);
    let run = alice.begin_run(&id, json!({"content": "think"})).await;
    let mut stream = alice.follow(&run, None).await;
    while stream
        .next()
        .await
        .is_some_and(|event| event.name != "message.delta")
    {}
    assert!(stream.comments >= 2, "{}", stream.comments);
}
