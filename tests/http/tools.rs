//! How tools are called, whichever they are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chatkit_tests::{
    Extensions, TestServer,
    model::{FakeModel, Reply},
};
use chatkit_tools::{Tool, ToolContext, ToolError, ToolRegistry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::BACKEND;

/// Takes its time, and notes how many of it are at work at once.
#[derive(Debug)]
struct Slow {
    name: &'static str,
    is_read_only: bool,
    takes: Duration,
    at_work: Arc<AtWork>,
}

#[derive(Debug, Default)]
struct AtWork {
    now: AtomicUsize,
    most: AtomicUsize,
    ended: AtomicUsize,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Nothing {}

#[async_trait]
impl Tool for Slow {
    type Arguments = Nothing;
    type Output = usize;

    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        "Takes its time."
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    async fn call(&self, _: &ToolContext, _: Nothing) -> Result<usize, ToolError> {
        let now = self.at_work.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_work.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.at_work.now.fetch_sub(1, Ordering::SeqCst);
        Ok(self.at_work.ended.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn tools(takes: Duration) -> (Extensions, Arc<AtWork>) {
    let at_work = Arc::new(AtWork::default());
    let mut tools = ToolRegistry::default();
    for (name, is_read_only) in [("look", true), ("change", false)] {
        let slow = Slow {
            name,
            is_read_only,
            takes,
            at_work: at_work.clone(),
        };
        tools.register(slow).unwrap();
    }
    let extensions = Extensions {
        tools,
        ..Extensions::default()
    };
    (extensions, at_work)
}

/// A turn whose model calls these tools in one round; returns the calls as they are stored.
async fn calls(server: &TestServer, model: &FakeModel, names: &[&str]) -> Vec<Value> {
    let ids: Vec<String> = (0..names.len()).map(|n| format!("call_{n}")).collect();
    let calls: Vec<_> = ids
        .iter()
        .zip(names)
        .map(|(id, name)| (id.as_str(), *name, "{}"))
        .collect();
    model.script([Reply::calls(&calls), Reply::text("That is what I found.")]);
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "find out what there is").await;
    let history = alice.history(&id).await;
    assert_eq!(history[1], turn["assistant_message"]);
    let calls = turn["assistant_message"]["tool_calls"].as_array();
    calls.unwrap().clone()
}

#[tokio::test]
async fn tools_that_only_read_run_together() {
    let model = FakeModel::start().await;
    let (tools, at_work) = tools(Duration::from_millis(300));
    let server = TestServer::start_extended(BACKEND, &model, &[], tools).await;
    let calls = calls(&server, &model, &["look", "look", "look"]).await;
    assert_eq!(at_work.most.load(Ordering::SeqCst), 3);
    assert!(calls.iter().all(|call| call["status"] == "success"));
}

#[tokio::test]
async fn all_others_run_one_after_the_other_in_order() {
    let model = FakeModel::start().await;
    let (tools, at_work) = tools(Duration::from_millis(50));
    let server = TestServer::start_extended(BACKEND, &model, &[], tools).await;
    let calls = calls(&server, &model, &["change", "look", "change", "change"]).await;
    assert_eq!(at_work.most.load(Ordering::SeqCst), 1);
    let results: Vec<_> = calls.iter().map(|call| &call["result"]).collect();
    assert_eq!(results, [1, 2, 3, 4]);
    let names: Vec<_> = calls.iter().map(|call| &call["tool_name"]).collect();
    assert_eq!(names, ["change", "look", "change", "change"]);
}

#[tokio::test]
async fn a_tool_that_hangs_is_given_up() {
    let model = FakeModel::start().await;
    let (tools, at_work) = tools(Duration::from_secs(3_600));
    let flags = ["--tool-timeout=200ms"];
    let server = TestServer::start_extended(BACKEND, &model, &flags, tools).await;
    let calls = calls(&server, &model, &["change"]).await;
    assert_eq!(calls[0]["status"], "error");
    let message = calls[0]["error_message"].as_str().unwrap();
    assert!(message.contains("did not answer within 0.2 s"), "{message}");
    assert_eq!(at_work.ended.load(Ordering::SeqCst), 0);
    // The model is told, and answers.
    let requests = model.requests();
    let heard = requests.last().unwrap()["messages"].as_array().unwrap();
    let result = heard.last().unwrap();
    assert_eq!(
        (&result["role"], &result["content"]),
        (&json!("tool"), &json!(message))
    );
}

#[tokio::test]
async fn tools_are_offered_with_their_schemas() {
    let model = FakeModel::start().await;
    let (tools, _) = tools(Duration::ZERO);
    let server = TestServer::start_extended(BACKEND, &model, &[], tools).await;
    calls(&server, &model, &["look"]).await;
    let requests = model.requests();
    let offered = requests[0]["tools"].as_array().unwrap();
    let names: Vec<_> = offered
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"look") && names.contains(&"add_task"),
        "{names:?}"
    );
}
