//! The process is killed while it answers, again and again.

use std::time::Duration;

use chatkit_tests::{
    Backend, Client, TestDatabase,
    model::{FakeModel, Reply, Step},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Process;

const CONVERSATIONS: usize = 4;

/// Sends messages until the server is gone; returns those that it has acknowledged.
async fn send(client: Client, conversation: String, name: String) -> Vec<(String, String)> {
    let path = format!("/api/chat/conversations/{conversation}/messages");
    let mut acknowledged = Vec::new();
    for number in 0..1_000 {
        let content = format!("{name}, message {number}");
        let Some(answer) = client.try_post(&path, json!({"content": content})).await else {
            return acknowledged;
        };
        if answer.status == 201 {
            let id = answer.body["assistant_message"]["id"].as_str().unwrap();
            acknowledged.push((content, id.to_owned()));
        }
    }
    acknowledged
}

/// Everything that was said in a conversation.
async fn whole_history(client: &Client, conversation: &str) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    loop {
        let since = messages.last().map_or_else(
            || "2000-01-01T00:00:00Z".to_owned(),
            |last| last["id"].as_str().unwrap().to_owned(),
        );
        let path =
            format!("/api/chat/conversations/{conversation}/messages?limit=100&since={since}");
        let page = client.get(&path).await.body;
        messages.extend(page["messages"].as_array().unwrap().clone());
        if page["has_more"] == false {
            return messages;
        }
    }
}

async fn nothing_acknowledged_is_lost(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    let answer = [
        Step::text("Half "),
        Step::Wait(Duration::from_millis(40)),
        Step::text("and half."),
        Step::end("stop"),
    ];
    let model = FakeModel::repeating(Reply::Stream(answer.into())).await;
    let mut process = Process::start(database.url(), &model, &[]);
    let mut conversations = Vec::new();
    for _ in 0..CONVERSATIONS {
        conversations.push(process.client("alice").create_conversation().await);
    }
    let mut acknowledged: Vec<Vec<(String, String)>> = vec![Vec::new(); CONVERSATIONS];
    for round in 0..5_u64 {
        let mut senders = JoinSet::new();
        for (index, conversation) in conversations.iter().enumerate() {
            let sending = send(
                process.client("alice"),
                conversation.clone(),
                format!("Round {round} of {index}"),
            );
            senders.spawn(async move { (index, sending.await) });
        }
        tokio::time::sleep(Duration::from_millis(700 + 53 * round)).await;
        process.kill();
        while let Some(sent) = senders.join_next().await {
            let (index, sent) = sent.unwrap();
            assert!(!sent.is_empty(), "round {round} of {index}");
            acknowledged[index].extend(sent);
        }
        process = Process::start(database.url(), &model, &[]);
        accepts_at_once(&process.client("alice"), &conversations).await;
    }
    let client = process.client("alice");
    for (conversation, acknowledged) in conversations.iter().zip(acknowledged) {
        let history = whole_history(&client, conversation).await;
        for (content, answer) in acknowledged {
            let place = history.iter().position(|m| m["content"] == content);
            let place = place.unwrap();
            assert_eq!(history[place + 1]["id"], answer, "{content}");
        }
        let mut said: Vec<_> = history.iter().filter(|m| m["role"] == "user").collect();
        let all = said.len();
        said.sort_by_key(|message| message["content"].to_string());
        said.dedup_by_key(|message| message["content"].to_string());
        assert_eq!(said.len(), all, "a message stands there twice");
    }
    process.kill();
}

/// The new process knows that the old one is dead.
async fn accepts_at_once(client: &Client, conversations: &[String]) {
    for conversation in conversations {
        let path = format!("/api/chat/conversations/{conversation}/messages");
        let content = format!("Are you there? {}", uuid::Uuid::now_v7());
        let answer = client.post(&path, json!({"content": content})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    nothing_acknowledged_is_lost(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgresql() {
    nothing_acknowledged_is_lost(Backend::Postgres).await;
}
