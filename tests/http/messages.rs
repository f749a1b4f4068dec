//! `GET /api/chat/conversations/{conversation_id}/messages`.

use chatkit_tests::{Client, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

fn path(conversation: &str) -> String {
    format!("/api/chat/conversations/{conversation}/messages")
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap();
    messages
        .iter()
        .filter(|message| message["role"] == "user")
        .map(|message| message["content"].as_str().unwrap())
        .collect()
}

/// A conversation of five turns.
async fn five_turns(client: &Client) -> String {
    let id = client.create_conversation().await;
    for index in 1..=5 {
        client.say(&id, &format!("turn {index}")).await;
    }
    id
}

#[tokio::test]
async fn a_message_says_everything_about_itself() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    alice.say(&id, "  Add a task to buy milk\n").await;
    let page = alice.get(&path(&id)).await;
    let page = page.expect(StatusCode::OK);
    let [question, answer] = page["messages"].as_array().unwrap().as_slice() else {
        panic!("a turn has two messages");
    };
    // What is stored is what was sent, white space and all.
    assert_eq!(question["content"], "  Add a task to buy milk\n");
    assert_eq!(question["role"], "user");
    for absent in ["tool_calls", "feedback", "model", "tokens_used"] {
        assert_eq!(question.get(absent), Some(&Value::Null), "{absent}");
    }
    assert_eq!(answer["role"], "assistant");
    assert_eq!(answer["status"], "completed");
    assert_eq!(answer["model"], "rules");
    assert!(answer["tokens_used"].as_u64() > Some(0));
    assert!(answer["created_at"].as_str() > question["created_at"].as_str());
    assert_eq!(answer["run_id"], question["run_id"]);
    let call = &answer["tool_calls"][0];
    assert_eq!(call["tool_name"], "add_task");
    assert_eq!(call["arguments"], json!({"title": "Buy milk"}));
    assert_eq!(call["arguments_text"], Value::Null);
    assert_eq!(call["result"]["task"]["number"], 1);
    assert_eq!(call["status"], "success");
    assert!(call["execution_time_ms"].is_u64());
    assert_eq!(page["active_run"], Value::Null);
}

#[tokio::test]
async fn the_history_is_read_backwards_in_pages() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = five_turns(&alice).await;
    let newest = alice.get(&format!("{}?limit=4", path(&id))).await;
    let newest = newest.expect(StatusCode::OK).clone();
    assert_eq!(contents(&newest), ["turn 4", "turn 5"]);
    assert_eq!(newest["has_more"], true);
    let cursor = newest["before_cursor"].as_str().unwrap();
    let older = alice
        .get(&format!("{}?limit=4&before={cursor}", path(&id)))
        .await;
    assert_eq!(contents(older.expect(StatusCode::OK)), ["turn 2", "turn 3"]);
    let cursor = older.body["before_cursor"].as_str().unwrap();
    let oldest = alice
        .get(&format!("{}?limit=4&before={cursor}", path(&id)))
        .await;
    assert_eq!(contents(oldest.expect(StatusCode::OK)), ["turn 1"]);
    assert_eq!(oldest.body["has_more"], false);
    assert_eq!(oldest.body["before_cursor"], Value::Null);
}

#[tokio::test]
async fn since_reads_forwards_from_a_message_or_a_time() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = five_turns(&alice).await;
    let all = alice.history(&id).await;
    let third = &all[3];
    for since in [
        third["id"].as_str().unwrap(),
        third["created_at"].as_str().unwrap(),
    ] {
        let page = alice
            .get(&format!("{}?limit=4&since={since}", path(&id)))
            .await;
        let page = page.expect(StatusCode::OK);
        assert_eq!(page["messages"].as_array().unwrap(), &all[4..8]);
        assert_eq!(
            (&page["has_more"], &page["reset"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(page["before_cursor"], Value::Null);
        let last = page["messages"][3]["id"].as_str().unwrap();
        let rest = alice
            .get(&format!("{}?limit=4&since={last}", path(&id)))
            .await;
        assert_eq!(
            rest.expect(StatusCode::OK)["messages"].as_array().unwrap(),
            &all[8..]
        );
        assert_eq!(rest.body["has_more"], false);
    }
    let newest = all[9]["id"].as_str().unwrap();
    let nothing = alice.get(&format!("{}?since={newest}", path(&id))).await;
    assert_eq!(nothing.expect(StatusCode::OK)["messages"], json!([]));
}

#[tokio::test]
async fn a_time_without_an_offset_is_utc() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = five_turns(&alice).await;
    let all = alice.history(&id).await;
    let time = all[3]["created_at"].as_str().unwrap().trim_end_matches('Z');
    for since in [
        time.to_owned(),
        format!("{time}%2B00:00"),
        format!("{time}+00:00"),
    ] {
        let page = alice.get(&format!("{}?since={since}", path(&id))).await;
        assert_eq!(
            page.expect(StatusCode::OK)["messages"].as_array().unwrap(),
            &all[4..]
        );
    }
}

#[tokio::test]
async fn since_something_unknown_replaces_the_page() {
    let server = TestServer::start(BACKEND).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let id = five_turns(&alice).await;
    let foreign = bob.create_conversation().await;
    let foreign = bob.say(&foreign, "hello").await;
    let unknown = [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        foreign["user_message"]["id"].as_str().unwrap(),
    ];
    for since in unknown {
        let page = alice
            .get(&format!("{}?limit=2&since={since}", path(&id)))
            .await;
        let page = page.expect(StatusCode::OK);
        assert_eq!(page["reset"], true);
        assert_eq!(contents(page), ["turn 5"]);
        assert_eq!(page["has_more"], true);
        assert!(page["before_cursor"].is_string());
    }
}

#[tokio::test]
async fn windows_that_make_no_sense_are_refused() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let (id, other) = (five_turns(&alice).await, five_turns(&alice).await);
    let cursor = alice.get(&format!("{}?limit=1", path(&other))).await;
    let foreign = cursor.body["before_cursor"].as_str().unwrap().to_owned();
    let own = alice.get(&format!("{}?limit=1", path(&id))).await;
    let own = own.body["before_cursor"].as_str().unwrap().to_owned();
    for query in [
        "since=yesterday".to_owned(),
        "since=".to_owned(),
        "since=12345".to_owned(),
        "since=-9999-01-01T00:00:00".to_owned(),
        "since=%2B99999-01-01T00:00:00".to_owned(),
        "before=nonsense".to_owned(),
        format!("before={foreign}"),
        format!("before={own}&since=2025-01-01T00:00:00Z"),
        "limit=0".to_owned(),
        "limit=101".to_owned(),
    ] {
        let refused = alice.get(&format!("{}?{query}", path(&id))).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
}

#[tokio::test]
async fn an_unchanged_history_is_not_sent_again() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = alice.get(&path(&id)).await;
    first.expect(StatusCode::OK);
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(
        first.header("vary"),
        "Authorization, Cookie, Origin, Accept"
    );

    let ask = |client: &Client, tag: &str| {
        client
            .request(Method::GET, &path(&id))
            .header("If-None-Match", tag)
    };
    let same = alice.send(ask(&alice, &etag)).await;
    assert_eq!(
        (same.status, same.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(same.header("etag"), etag);
    assert_eq!(same.header("vary"), first.header("vary"));

    // Ownership is checked before anything is told.
    let bob = server.client("bob");
    let foreign = bob.send(ask(&bob, &etag)).await;
    foreign.expect_problem(StatusCode::NOT_FOUND, "conversation_not_found");

    alice.say(&id, "hello").await;
    let changed = alice.send(ask(&alice, &etag)).await;
    assert_eq!(
        changed.expect(StatusCode::OK)["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn a_long_history_is_whole_and_in_order() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    for index in 0..60 {
        alice.say(&id, &format!("turn {index}")).await;
    }
    let page = alice.get(&path(&id)).await;
    assert_eq!(
        page.expect(StatusCode::OK)["messages"]
            .as_array()
            .unwrap()
            .len(),
        50
    );
    let all = alice.get(&format!("{}?limit=100", path(&id))).await;
    let all = all.expect(StatusCode::OK)["messages"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(all.len(), 100);
    let numbers: Vec<_> = all
        .iter()
        .map(|m| m["sequence_number"].as_u64().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|one, other| one < other));
    let times: Vec<_> = all
        .iter()
        .map(|m| m["created_at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|one, other| one < other));
}
