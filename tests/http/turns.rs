//! `POST /api/chat/conversations/{conversation_id}/messages`.

use std::time::Duration;

use chatkit_domain::{
    Caller, Clock, Dialect, MessageText, RunInput, RunOwner, RunTarget, StartRun, SystemClock,
    UserId,
};
use chatkit_tests::{TestServer, eventually};
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::BACKEND;

fn path(conversation: &str) -> String {
    format!("/api/chat/conversations/{conversation}/messages")
}

/// Begins a run that nobody answers, as another replica would before it died.
async fn abandon_run(
    server: &TestServer,
    user: &str,
    conversation: &str,
    lease: Duration,
) -> String {
    abandon_run_of(SystemClock.uuid(), server, user, conversation, lease).await
}

/// The same, of a known owner.
async fn abandon_run_of(
    owner: uuid::Uuid,
    server: &TestServer,
    user: &str,
    conversation: &str,
    lease: Duration,
) -> String {
    let clock: &dyn Clock = &SystemClock;
    let begin = StartRun {
        id: clock.id(),
        target: RunTarget::Existing(conversation.parse().unwrap()),
        input: RunInput::Message {
            id: clock.id(),
            text: MessageText::parse("are you there?".to_owned()).unwrap(),
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 100,
        assistant_message_id: clock.id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "rules".to_owned(),
        owner: RunOwner { id: owner, lease },
        now: clock.now(),
    };
    let caller = Caller::new(UserId::parse(user).unwrap());
    let repositories = server.database().repositories().await;
    let id = begin.id;
    repositories.runs.start(&caller, begin).await.unwrap();
    id.to_string()
}

#[tokio::test]
async fn a_turn_is_answered_and_kept() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "Add a task to buy groceries").await;
    assert_eq!(
        turn["assistant_message"]["content"],
        "Task created: Buy groceries (task 1)."
    );
    let run = &turn["run"];
    assert_eq!(run["status"], "completed");
    assert_eq!(run["error"], Value::Null);
    assert_eq!(run["user_message_id"], turn["user_message"]["id"]);
    assert_eq!(run["assistant_message_id"], turn["assistant_message"]["id"]);
    assert_eq!(run["usage"]["estimated"], true);
    assert_eq!(run["tool_calls"], turn["assistant_message"]["tool_calls"]);

    let server = server.restart().await;
    let history = server.client("alice").history(&id).await;
    assert_eq!(
        history,
        [
            turn["user_message"].clone(),
            turn["assistant_message"].clone()
        ]
    );
}

#[tokio::test]
async fn the_first_message_names_a_conversation_that_nobody_named() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let long =
        "\n Please remember that the groceries must be bought before Saturday evening\nthanks";
    alice.say(&id, long).await;
    alice.say(&id, "hello").await;
    let conversation = alice.get(&format!("/api/chat/conversations/{id}")).await;
    assert_eq!(
        conversation.expect(StatusCode::OK)["title"],
        "Please remember that the groceries must be bought before…"
    );
    assert_eq!(conversation.body["message_count"], 4);

    let named = alice
        .post("/api/chat/conversations", json!({"title": "Mine"}))
        .await;
    let named = named.body["id"].as_str().unwrap().to_owned();
    alice.say(&named, "hello").await;
    let conversation = alice.get(&format!("/api/chat/conversations/{named}")).await;
    assert_eq!(conversation.body["title"], "Mine");
}

#[tokio::test]
async fn content_has_1_to_10000_characters() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    alice.say(&id, &"é".repeat(10_000)).await;
    alice.say(&id, &format!("{} ", "é".repeat(10_000))).await;
    for content in [
        json!(""),
        json!(" \n "),
        json!("é".repeat(10_001)),
        json!("a\u{0}"),
        json!(1),
        json!(null),
        json!(["a"]),
    ] {
        let refused = alice.post(&path(&id), json!({"content": content})).await;
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        assert_eq!(problem["errors"][0]["path"], "content");
    }
    assert_eq!(alice.history(&id).await.len(), 4);
}

#[tokio::test]
async fn concurrent_sends_leave_whole_turns_in_order() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let sends = (0..8).map(|index| {
        let (alice, path) = (alice.clone(), path(&id));
        async move {
            alice
                .post(&path, json!({"content": format!("hello {index}")}))
                .await
        }
    });
    let answers = join_all(sends).await;
    let mut kept = 0;
    for answer in &answers {
        if answer.status == StatusCode::CREATED {
            kept += 1;
        } else {
            let problem = answer.expect_problem(StatusCode::CONFLICT, "run_active");
            assert!(problem["active_run_id"].is_string());
        }
    }
    assert!(kept >= 1);
    let history = alice.history(&id).await;
    assert_eq!(history.len(), 2 * kept);
    for turn in history.chunks(2) {
        assert_eq!(
            (&turn[0]["role"], &turn[1]["role"]),
            (&json!("user"), &json!("assistant"))
        );
        assert_eq!(turn[0]["run_id"], turn[1]["run_id"]);
    }
}

#[tokio::test]
async fn a_busy_conversation_refuses_a_second_message() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = abandon_run(&server, "alice", &id, Duration::from_secs(60)).await;
    let refused = alice.post(&path(&id), json!({"content": "hello"})).await;
    let problem = refused.expect_problem(StatusCode::CONFLICT, "run_active");
    assert_eq!(problem["active_run_id"], run);

    // Who polls sees the run, and the message that it answers.
    let page = alice.get(&path(&id)).await;
    assert_eq!(page.expect(StatusCode::OK)["active_run"]["id"], run);
    assert_eq!(page.body["active_run"]["status"], "running");
    assert_eq!(page.body["messages"][0]["content"], "are you there?");
    assert_eq!(page.body["messages"].as_array().unwrap().len(), 1);

    // Another conversation is not disturbed.
    let other = alice.create_conversation().await;
    alice.say(&other, "hello").await;
}

#[tokio::test]
async fn a_run_whose_owner_died_does_not_block_its_conversation() {
    // The sweep would close it too; a lease this long keeps it away for the first part.
    let server = TestServer::start_with(BACKEND, &["--run-lease=10m"]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = abandon_run(&server, "alice", &id, Duration::ZERO).await;
    let turn = alice.say(&id, "hello").await;
    let run = alice
        .get(&format!("/api/chat/conversations/{id}/runs/{run}"))
        .await;
    let run = run.expect(StatusCode::OK);
    assert_eq!(run["status"], "failed");
    assert_eq!(run["error"]["code"], "interrupted");
    assert_eq!(run["assistant_message_id"], Value::Null);
    assert!(run["ended_at"].is_string());
    let history = alice.history(&id).await;
    assert_eq!(history.len(), 3);
    assert_eq!(
        history[1..],
        [
            turn["user_message"].clone(),
            turn["assistant_message"].clone()
        ]
    );
}

#[tokio::test]
async fn the_sweep_closes_runs_whose_owners_died() {
    let server = TestServer::start_with(BACKEND, &["--run-lease=300ms"]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let run = abandon_run(&server, "alice", &id, Duration::from_millis(1)).await;
    let path = format!("/api/chat/conversations/{id}/runs/{run}");
    eventually("the run is closed", async || {
        alice.get(&path).await.body["status"] == "failed"
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_nothing() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let address = server.url().replace("http://", "");
    let body = json!({"content": "Add a task to buy milk"}).to_string();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        path(&id),
        chatkit_tests::token::of("alice"),
        body.len(),
    );
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // Leaves as soon as the message is there, without reading the answer.
    eventually("the message is kept", async || {
        !alice.history(&id).await.is_empty()
    })
    .await;
    drop(stream);
    eventually("the answer is kept", async || {
        alice.history(&id).await.len() == 2
    })
    .await;
    let history = alice.history(&id).await;
    assert_eq!(history[1]["content"], "Task created: Buy milk (task 1).");
}

#[tokio::test]
async fn deleting_a_conversation_stops_its_run() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let owner = SystemClock.uuid();
    let lease = Duration::from_secs(60);
    let run = abandon_run_of(owner, &server, "alice", &id, lease).await;
    let conversation = format!("/api/chat/conversations/{id}");
    alice
        .delete(&conversation)
        .await
        .expect(StatusCode::NO_CONTENT);
    let gone = alice.get(&format!("{conversation}/runs/{run}")).await;
    gone.expect_problem(StatusCode::NOT_FOUND, "run_not_found");
    // Its owner, elsewhere, is told so with its lease.
    let owner = chatkit_domain::RunOwner {
        id: owner,
        lease: Duration::from_secs(60),
    };
    let journal = server.database().repositories().await.journal;
    let owned = journal
        .checkpoint(owner, &[run.parse().unwrap()], &[])
        .await
        .unwrap();
    assert!(owned[0].cancel_requested);
}
