//! `/api/chat/conversations`.

use chatkit_tests::TestServer;
use reqwest::StatusCode;
use serde_json::json;

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

#[tokio::test]
async fn a_conversation_is_created_read_renamed_and_listed() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let created = alice.post(PATH, json!({"title": "  Party  "})).await;
    let conversation = created.expect(StatusCode::CREATED);
    let path = format!("{PATH}/{}", conversation["id"].as_str().unwrap());
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("content-type"), "application/json");
    assert_eq!(conversation["title"], "Party");
    assert_eq!(conversation["user_id"], "alice");
    assert_eq!(conversation["message_count"], 0);
    let time = conversation["created_at"].as_str().unwrap();
    assert_eq!((time.len(), &time[23..]), (24, "Z"), "{time}");

    assert_eq!(alice.get(&path).await.expect(StatusCode::OK), conversation);
    let renamed = alice.put(&path, json!({"title": "Feast"})).await;
    assert_eq!(renamed.expect(StatusCode::OK)["title"], "Feast");
    assert!(renamed.body["updated_at"].as_str() >= Some(time));
    let list = alice.get(PATH).await;
    assert_eq!(
        list.expect(StatusCode::OK),
        &json!({"conversations": [renamed.body], "next_cursor": null, "has_more": false})
    );
}

#[tokio::test]
async fn without_a_title_it_has_the_default_one() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for body in [json!({}), json!({"title": null})] {
        let created = alice.post(PATH, body).await;
        assert_eq!(
            created.expect(StatusCode::CREATED)["title"],
            "New Conversation"
        );
    }
}

#[tokio::test]
async fn titles_have_1_to_200_characters() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let path = format!("{PATH}/{}", alice.create_conversation().await);
    for title in [
        "ü".repeat(200),
        "x".to_owned(),
        format!(" {} ", "y".repeat(200)),
    ] {
        let body = json!({"title": title});
        alice
            .post(PATH, body.clone())
            .await
            .expect(StatusCode::CREATED);
        alice.put(&path, body).await.expect(StatusCode::OK);
    }
    for title in [
        json!(""),
        json!("  "),
        json!("ü".repeat(201)),
        json!("a\u{0}b"),
        json!(5),
        json!(true),
    ] {
        let body = json!({"title": title});
        for refused in [
            alice.post(PATH, body.clone()).await,
            alice.put(&path, body).await,
        ] {
            let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
            assert_eq!(problem["errors"][0]["path"], "title");
        }
    }
    let missing = alice.put(&path, json!({})).await;
    missing.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
}

#[tokio::test]
async fn pages_lead_through_the_whole_list_once() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let mut created = Vec::new();
    for _ in 0..7 {
        created.push(alice.create_conversation().await);
    }
    server.client("bob").create_conversation().await;
    created.reverse();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = alice.get(&format!("{PATH}?limit=3{cursor}")).await;
        let page = page.expect(StatusCode::OK);
        let ids = page["conversations"].as_array().unwrap().iter();
        seen.extend(ids.map(|entry| entry["id"].as_str().unwrap().to_owned()));
        assert_eq!(page["has_more"], !page["next_cursor"].is_null());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        // What changes meanwhile moves to the front, and is not shown again.
        alice.say(&seen[0], "hello").await;
    }
    assert_eq!(seen, created);
}

#[tokio::test]
async fn cursors_belong_to_their_list() {
    let server = TestServer::start(BACKEND).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    for _ in 0..2 {
        alice.create_conversation().await;
    }
    let page = alice.get(&format!("{PATH}?limit=1")).await;
    let cursor = page.expect(StatusCode::OK)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = [
        bob.get(&format!("{PATH}?cursor={cursor}")).await,
        alice.get(&format!("{PATH}?q=new&cursor={cursor}")).await,
        alice.get(&format!("{PATH}?cursor=nonsense")).await,
        alice.get(&format!("{PATH}?cursor=")).await,
    ];
    for refused in refused {
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        assert_eq!(problem["errors"][0]["path"], "cursor");
    }
}

#[tokio::test]
async fn limits_are_1_to_100() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for limit in ["1", "100"] {
        alice
            .get(&format!("{PATH}?limit={limit}"))
            .await
            .expect(StatusCode::OK);
    }
    for limit in ["0", "101", "-1", "abc", "", "1.5", "99999999999999999999"] {
        let refused = alice.get(&format!("{PATH}?limit={limit}")).await;
        let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        assert_eq!(problem["errors"][0]["path"], "limit");
    }
}

#[tokio::test]
async fn a_deleted_conversation_is_gone_until_it_is_restored() {
    let server = TestServer::start(BACKEND).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let id = alice.create_conversation().await;
    let path = format!("{PATH}/{id}");
    alice.say(&id, "Add a task to buy milk").await;
    let before = alice.get(&path).await;
    let gone = alice.delete(&path).await;
    assert_eq!(
        (gone.status, gone.text.as_str()),
        (StatusCode::NO_CONTENT, "")
    );

    let hidden = [
        alice.get(&path).await,
        alice.put(&path, json!({"title": "x"})).await,
        alice.delete(&path).await,
        alice.get(&format!("{path}/messages")).await,
        alice
            .post(&format!("{path}/messages"), json!({"content": "hi"}))
            .await,
        bob.post(&format!("{path}/restore"), json!({})).await,
    ];
    for hidden in hidden {
        hidden.expect_problem(StatusCode::NOT_FOUND, "conversation_not_found");
    }
    assert_eq!(alice.get(PATH).await.body["conversations"], json!([]));

    let restored = alice.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(
        restored.expect(StatusCode::OK),
        before.expect(StatusCode::OK)
    );
    assert_eq!(alice.history(&id).await.len(), 2);
    let again = alice.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(again.expect(StatusCode::OK), &before.body);
}

#[tokio::test]
async fn after_its_time_a_deleted_conversation_cannot_be_restored() {
    let server = TestServer::start_with(BACKEND, &["--deleted-ttl=1ms"]).await;
    let alice = server.client("alice");
    let path = format!("{PATH}/{}", alice.create_conversation().await);
    alice.delete(&path).await.expect(StatusCode::NO_CONTENT);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    alice
        .post(&format!("{path}/restore"), json!({}))
        .await
        .expect_problem(StatusCode::NOT_FOUND, "conversation_not_found");
}
