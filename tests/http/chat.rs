//! `/api/v1/chat`, `/api/chat` and `/api/{user_id}/chat`.

use chatkit_tests::{Client, TestServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::BACKEND;

#[tokio::test]
async fn the_first_call_begins_a_conversation_and_others_go_on() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let first = alice
        .post(
            "/api/v1/chat",
            json!({"message": "Add a task to buy groceries", "conversation_id": null}),
        )
        .await;
    let first = first.expect(StatusCode::OK);
    assert_eq!(first["response"], "Task created: Buy groceries (task 1).");
    assert_eq!(first["metadata"]["intent"], "CREATE");
    assert_eq!(first["metadata"]["tool_called"], "add_task");
    assert!(first["metadata"]["execution_time_ms"].is_u64());

    let id = first["conversation_id"].as_str().unwrap();
    let body = json!({"message": "and one to call mom", "conversation_id": id});
    let second = alice.post("/api/v1/chat", body).await;
    assert_eq!(
        second.expect(StatusCode::OK)["response"],
        "Task created: Call mom (task 2)."
    );
    assert_eq!(second.body["conversation_id"], first["conversation_id"]);
    assert_eq!(alice.history(id).await.len(), 4);
    let conversation = alice.get(&format!("/api/chat/conversations/{id}")).await;
    assert_eq!(conversation.body["title"], "Add a task to buy groceries");
}

#[tokio::test]
async fn the_intent_is_that_of_the_first_tool() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for (message, intent, tool) in [
        ("Add a task to buy milk", "CREATE", json!("add_task")),
        ("Show me all my tasks", "READ", json!("list_tasks")),
        (
            "Rename task 1 to \"Buy oat milk\"",
            "UPDATE",
            json!("update_task"),
        ),
        (
            "Mark task 1 as complete",
            "COMPLETE",
            json!("complete_task"),
        ),
        ("Delete task 1", "DELETE", json!("delete_task")),
        ("Hello", "CHAT", Value::Null),
    ] {
        let answer = alice
            .post("/api/v1/chat", json!({"message": message}))
            .await;
        let metadata = &answer.expect(StatusCode::OK)["metadata"];
        assert_eq!(
            (&metadata["intent"], &metadata["tool_called"]),
            (&json!(intent), &tool)
        );
    }
}

#[tokio::test]
async fn the_other_two_forms_name_the_tools() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice@example.com");
    for path in [
        "/api/chat",
        "/api/alice@example.com/chat",
        "/api/alice%40example.com/chat",
    ] {
        let answer = alice
            .post(path, json!({"message": "Add a task to buy milk"}))
            .await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(
            answer["tool_calls"],
            json!([{"name": "add_task", "arguments": {"title": "Buy milk"}}])
        );
        let id = answer["conversation_id"].as_str().unwrap();
        let chat = alice
            .post(path, json!({"message": "hi", "conversation_id": id}))
            .await;
        assert_eq!(chat.expect(StatusCode::OK)["tool_calls"], json!([]));
        assert_eq!(alice.history(id).await.len(), 4);
    }
}

#[tokio::test]
async fn the_path_must_name_the_tokens_user() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let refused = alice.post("/api/bob/chat", json!({"message": "hi"})).await;
    refused.expect_problem(StatusCode::FORBIDDEN, "other_user");
    assert_eq!(list(&server.client("bob")).await, json!([]));
    // A user whose name is a word of the paths is a user like others.
    let chat = server.client("chat");
    let answer = chat.post("/api/chat/chat", json!({"message": "hi"})).await;
    answer.expect(StatusCode::OK);
}

async fn list(client: &Client) -> Value {
    let list = client.get("/api/chat/conversations").await;
    list.expect(StatusCode::OK)["conversations"].clone()
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for path in ["/api/v1/chat", "/api/chat", "/api/alice/chat"] {
        for body in [
            json!({}),
            json!({"message": ""}),
            json!({"message": 5}),
            json!({"message": "x".repeat(10_001)}),
            json!({"message": "hi", "conversation_id": 7}),
        ] {
            let refused = alice.post(path, body).await;
            refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
        }
        for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "no-uuid", ""] {
            let missing = alice
                .post(path, json!({"message": "hi", "conversation_id": id}))
                .await;
            missing.expect_problem(StatusCode::NOT_FOUND, "conversation_not_found");
        }
    }
    assert_eq!(list(&alice).await, json!([]));
}

#[tokio::test]
async fn tasks_are_each_users_own() {
    let server = TestServer::start(BACKEND).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let say = async |client: &Client, message: &str| {
        let answer = client.post("/api/chat", json!({"message": message})).await;
        answer.expect(StatusCode::OK)["response"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    say(&alice, "Add a task to buy milk").await;
    say(&bob, "Add a task to sell milk").await;
    assert_eq!(
        say(&bob, "list tasks").await,
        "You have 1 task:\n\n- 1: Sell milk"
    );
    assert_eq!(
        say(&bob, "delete buy milk").await,
        "I could not find a task called \"buy milk\"."
    );
    assert_eq!(
        say(&bob, "complete task 2").await,
        "That did not work: There is no task 2."
    );
    assert_eq!(
        say(&bob, "delete task 1").await,
        "Task 1 deleted: Sell milk."
    );
    // A number is never given twice.
    assert_eq!(
        say(&bob, "add lend milk").await,
        "Task created: Lend milk (task 2)."
    );
    assert_eq!(
        say(&alice, "tasks").await,
        "You have 1 task:\n\n- 1: Buy milk"
    );
}
