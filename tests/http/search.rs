//! `q` of listConversations.

use chatkit_tests::{Client, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

async fn titled(client: &Client, title: &str) {
    let created = client.post(PATH, json!({"title": title})).await;
    created.expect(StatusCode::CREATED);
}

async fn found(client: &Client, q: &str) -> Vec<String> {
    let request = client.request(Method::GET, PATH).query(&[("q", q)]);
    let page = client.send(request).await;
    let entries = page.expect(StatusCode::OK)["conversations"]
        .as_array()
        .unwrap();
    entries
        .iter()
        .map(|entry| entry["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn titles_and_messages_are_searched_whatever_their_case() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    titled(&alice, "Äpfel und Birnen").await;
    titled(&alice, "Something else").await;
    let spoken = alice.create_conversation().await;
    alice.say(&spoken, "Remind me to water the TULIPS").await;

    assert_eq!(found(&alice, "ÄPFEL").await, ["Äpfel und Birnen"]);
    assert_eq!(found(&alice, "a\u{308}pfel").await, ["Äpfel und Birnen"]);
    assert_eq!(
        found(&alice, "tulips").await,
        ["Remind me to water the TULIPS"]
    );
    assert_eq!(found(&alice, "no such thing").await, [""; 0]);
    assert_eq!(found(&server.client("bob"), "tulips").await, [""; 0]);
}

#[tokio::test]
async fn wildcards_are_literal() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for title in [
        "100% sure",
        "1000 sure",
        "snake_case",
        "snakeXcase",
        r"back\slash",
    ] {
        titled(&alice, title).await;
    }
    assert_eq!(found(&alice, "100%").await, ["100% sure"]);
    assert_eq!(found(&alice, "snake_").await, ["snake_case"]);
    assert_eq!(found(&alice, r"k\s").await, [r"back\slash"]);
    assert_eq!(
        found(&alice, "'; DROP TABLE conversations; --").await,
        [""; 0]
    );
}

#[tokio::test]
async fn what_was_deleted_is_not_found() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    alice.say(&id, "a needle in a haystack").await;
    assert_eq!(found(&alice, "needle").await.len(), 1);
    alice
        .delete(&format!("{PATH}/{id}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(found(&alice, "needle").await.len(), 0);
}

#[tokio::test]
async fn results_come_in_pages() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for index in 0..5 {
        titled(&alice, &format!("match {index}")).await;
        titled(&alice, &format!("other {index}")).await;
    }
    let first = alice.get(&format!("{PATH}?q=MATCH&limit=3")).await;
    let cursor = first.expect(StatusCode::OK)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    // The same search in another case is the same list.
    let second = alice
        .get(&format!("{PATH}?q=match&limit=3&cursor={cursor}"))
        .await;
    let titles: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page.body["conversations"].as_array().unwrap())
        .map(|entry| entry["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        titles,
        ["match 4", "match 3", "match 2", "match 1", "match 0"]
    );
}

#[tokio::test]
async fn a_search_text_has_1_to_200_characters() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for q in ["", "%20", &"x".repeat(201), "a%00b"] {
        let refused = alice.get(&format!("{PATH}?q={q}")).await;
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        assert_eq!(problem["errors"][0]["path"], "q");
    }
}
