//! Readers that stop reading for good.

use std::time::Duration;

use chatkit_tests::{
    Backend, Client, TestDatabase,
    follow::{Event, Events, text_of},
    model::{FakeModel, Gate, Reply, Step},
};
use reqwest::StatusCode;
use serde_json::json;

use crate::process::Process;

const FLAGS: [&str; 1] = ["--max-answer-chars=10000000"];

/// Of 1 KiB each: more than all buffers between the server and a reader hold.
const TOKENS: usize = 8 * 1024;

const SLEEPERS: usize = 20;

/// Far less than all that the sleepers have not read.
const MOST_MEMORY: u64 = 128 * 1024 * 1024;

fn token(number: usize) -> String {
    format!("{number:07} ").repeat(128)
}

/// All that the model says, faster than anybody reads it.
fn answer(gate: &Gate) -> Reply {
    let tokens = (0..TOKENS).flat_map(|number| {
        let is_pause = number % 16 == 0;
        let pause = is_pause.then_some(Step::Wait(Duration::from_millis(10)));
        [Step::text(&token(number))].into_iter().chain(pause)
    });
    let steps = [Step::Gate(gate.clone())].into_iter().chain(tokens);
    Reply::Stream(steps.chain([Step::end("stop")]).collect())
}

/// Reads a run from here on, however often the stream is cut for slowness, and looks at each event.
async fn read_on(
    client: &Client,
    run: &str,
    mut stream: Events,
    mut look: impl FnMut(usize),
) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    loop {
        while let Some(event) = stream.next().await {
            all.push(event);
            look(all.len());
        }
        if stream.retry.is_none() {
            return all;
        }
        assert_eq!(stream.retry, Some(1_000));
        let last = all.last().map(|event| event.id);
        stream = client.follow(run, last).await;
        assert_eq!(stream.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_reading_delays_nobody() {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let model = FakeModel::start().await;
    let server = Process::start(database.url(), &model, &FLAGS);
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let gate = Gate::default();
    model.script([answer(&gate)]);
    let run = alice.begin_run(&id, json!({"content": "All of it"})).await;
    let stream = alice.follow(&run, None).await;
    let mut sleepers = Vec::new();
    for _ in 0..SLEEPERS {
        sleepers.push(alice.follow(&run, None).await);
    }
    let before = server.memory();
    let mut most = before;
    gate.open();
    let look = |read| {
        if read % 256 == 0 {
            most = most.max(server.memory());
        }
    };
    // All of it comes to who reads, while nobody else does.
    let events = read_on(&alice, &run, stream, look).await;
    let grown = most.max(server.memory()) - before;
    assert!(grown < MOST_MEMORY, "grown by {grown} bytes");
    let said: String = (0..TOKENS).map(token).collect();
    assert!(text_of(&events) == said, "the text is another");
    assert_eq!(events.last().unwrap().name, "run.completed");
    for sleeper in sleepers.drain(..2) {
        let read = read_on(&alice, &run, sleeper, |_| {}).await;
        assert!(read == events, "who slept was told something else");
    }
}
