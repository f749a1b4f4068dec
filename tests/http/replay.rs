//! The recorded turns of the reference server, played by a responder: what a client is told, and
//! what it reads afterwards, is the same but for ids and times.

mod player;

use std::{collections::HashMap, path::Path, sync::Arc};

use chatkit_tests::{Client, Extensions, TestServer, model::FakeModel};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use self::player::Player;
use crate::BACKEND;

/// The lines of every recorded turn, by its name.
fn recorded() -> HashMap<String, Vec<Value>> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/chatkit-protocol/tests/transcripts");
    let files = std::fs::read_dir(folder).unwrap();
    let turns = files.filter_map(|file| {
        let path = file.unwrap().path();
        let name = path
            .file_stem()?
            .to_str()?
            .strip_prefix("turn_")?
            .to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Some((name, lines.collect()))
    });
    turns.collect()
}

/// Names ids by when they come first, and has all times alike.
#[derive(Default)]
struct Normal {
    ids: HashMap<String, String>,
}

impl Normal {
    fn of(&mut self, value: &Value) -> Value {
        match value {
            Value::Array(values) => values.iter().map(|value| self.of(value)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.member(name, value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("created_at", Value::String(_)) => json!("a time"),
            ("id" | "item_id" | "thread_id" | "after", Value::String(id)) if is_id(id) => {
                let next = format!("id {}", self.ids.len());
                json!(self.ids.entry(id.clone()).or_insert(next))
            }
            (_, value) => self.of(value),
        }
    }
}

/// Whether an id was given by a server; that of a component was not.
fn is_id(id: &str) -> bool {
    let prefixes = ["thr_", "msg_", "wf_", "tsk_", "tc_"];
    prefixes.iter().any(|prefix| id.starts_with(prefix)) || uuid::Uuid::parse_str(id).is_ok()
}

/// What the server answers to a request: its events, or the one answer.
async fn answers(client: &Client, request: &Value) -> Vec<Value> {
    let request = client.request(Method::POST, "/chatkit").json(request);
    let answer = client.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let content_type = answer.header("content-type");
    if content_type != "text/event-stream; charset=utf-8" {
        assert_eq!(content_type, "application/json");
        return vec![serde_json::from_str(&answer.text).unwrap()];
    }
    let frames = answer.text.split_terminator("\n\n");
    let data = frames.filter_map(|frame| frame.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// Asks for everything that a recording asks for, and compares.
async fn replay(client: &Client, name: &str, lines: &[Value]) {
    let (mut theirs, mut ours) = (Normal::default(), Normal::default());
    let mut thread = Value::Null;
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        assert_eq!(line["kind"], "request");
        let mut request = line["json"].clone();
        if let Some(id) = request["params"].get_mut("thread_id") {
            id.clone_from(&thread);
        }
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line["kind"] != "request") {
            if !line["json"].is_null() {
                expected.push(theirs.of(&line["json"]));
            }
        }
        let told = answers(client, &request).await;
        if thread.is_null() {
            thread = told[0]["thread"]["id"].clone();
        }
        let told: Vec<Value> = told.iter().map(|event| ours.of(event)).collect();
        for (index, (ours, theirs)) in told.iter().zip(&expected).enumerate() {
            assert_eq!(ours, theirs, "{name}: {index} of {}", line["op"]);
        }
        assert_eq!(told.len(), expected.len(), "{name}: {told:?}");
    }
}

#[tokio::test]
async fn every_recorded_turn_can_be_played() {
    let turns = recorded();
    assert!(turns.len() >= 32, "{}", turns.len());
    let player = Player {
        turns: turns.clone(),
    };
    let extensions = Extensions {
        responder: Arc::new(player),
        ..Extensions::default()
    };
    let model = FakeModel::start().await;
    let server = TestServer::start_extended(BACKEND, &model, &[], extensions).await;
    let alice = server.client("alice");
    for (name, lines) in &turns {
        replay(&alice, name, lines).await;
    }
    assert!(model.requests().is_empty());
}
