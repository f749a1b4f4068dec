//! Each published operation without a token and with another user's things. The operations are
//! read from the contract: one without a row here fails.

use chatkit_tests::{Answer, Client, TestServer};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

/// What a call with another user's things meets.
enum Foreign {
    /// It names nothing of a user's.
    Nothing,
    /// 404 with this code.
    NotFound(&'static str),
    /// 403: another user stands in the path.
    Forbidden,
    /// 401: it wants a token that is good for nothing else.
    NotForCalling,
}

/// How an operation is called.
struct Row {
    operation: &'static str,
    method: Method,
    path: &'static str,
    body: Option<Value>,
    foreign: Foreign,
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn rows() -> Vec<Row> {
    let row = |operation, method, path, body, foreign| Row {
        operation,
        method,
        path,
        body,
        foreign,
    };
    let conversation = || Foreign::NotFound("conversation_not_found");
    let one = "/api/chat/conversations/{conversation_id}";
    let messages = "/api/chat/conversations/{conversation_id}/messages";
    let restore = "/api/chat/conversations/{conversation_id}/restore";
    let run = "/api/chat/conversations/{conversation_id}/runs/{run_id}";
    let titled = || Some(json!({"title": "x"}));
    let chat = || Some(json!({"message": "hi", "conversation_id": "{conversation_id}"}));
    vec![
        row(
            "listConversations",
            Method::GET,
            "/api/chat/conversations",
            None,
            Foreign::Nothing,
        ),
        row(
            "createConversation",
            Method::POST,
            "/api/chat/conversations",
            titled(),
            Foreign::Nothing,
        ),
        row("getConversation", Method::GET, one, None, conversation()),
        row(
            "updateConversation",
            Method::PUT,
            one,
            titled(),
            conversation(),
        ),
        row(
            "deleteConversation",
            Method::DELETE,
            one,
            None,
            conversation(),
        ),
        row(
            "restoreConversation",
            Method::POST,
            restore,
            None,
            conversation(),
        ),
        row("listMessages", Method::GET, messages, None, conversation()),
        row(
            "sendMessage",
            Method::POST,
            messages,
            Some(json!({"content": "hi"})),
            conversation(),
        ),
        row(
            "regenerateMessage",
            Method::POST,
            "/api/chat/conversations/{conversation_id}/messages/{message_id}/regenerate",
            None,
            Foreign::NotFound("message_not_found"),
        ),
        row(
            "rateMessage",
            Method::PUT,
            "/api/chat/conversations/{conversation_id}/messages/{message_id}/feedback",
            Some(json!({"kind": "positive"})),
            Foreign::NotFound("message_not_found"),
        ),
        row(
            "getRun",
            Method::GET,
            run,
            None,
            Foreign::NotFound("run_not_found"),
        ),
        row(
            "startRun",
            Method::POST,
            "/api/chat/conversations/{conversation_id}/runs",
            Some(json!({"content": "hi"})),
            conversation(),
        ),
        row(
            "cancelRun",
            Method::POST,
            "/api/chat/conversations/{conversation_id}/runs/{run_id}/cancel",
            None,
            Foreign::NotFound("run_not_found"),
        ),
        row(
            "followRun",
            Method::GET,
            "/api/chat/conversations/{conversation_id}/runs/{run_id}/events",
            None,
            Foreign::NotFound("run_not_found"),
        ),
        row("chat", Method::POST, "/api/v1/chat", chat(), conversation()),
        row(
            "chatWithTools",
            Method::POST,
            "/api/chat",
            chat(),
            conversation(),
        ),
        row(
            "chatAsUser",
            Method::POST,
            "/api/{user_id}/chat",
            chat(),
            Foreign::Forbidden,
        ),
        row(
            "createSession",
            Method::POST,
            "/api/session",
            None,
            Foreign::NotForCalling,
        ),
        row(
            "deleteSession",
            Method::DELETE,
            "/api/session",
            None,
            Foreign::Nothing,
        ),
        row("getInfo", Method::GET, "/api/info", None, Foreign::Nothing),
    ]
}

/// The published operations: id, method and path.
async fn published(server: &TestServer) -> Vec<(String, String, String)> {
    let text = server.client_with(None).get("/openapi.yaml").await.text;
    let document: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            operations.push((id.to_owned(), method.to_uppercase(), path.clone()));
        }
    }
    operations.sort();
    operations
}

/// Alice's things.
struct Things {
    conversation: String,
    message: String,
    run: String,
}

impl Things {
    fn fill(&self, text: &str) -> String {
        text.replace("{conversation_id}", &self.conversation)
            .replace("{message_id}", &self.message)
            .replace("{run_id}", &self.run)
            .replace("{user_id}", "alice")
    }

    async fn call(&self, client: &Client, row: &Row) -> Answer {
        client.send(self.request(client, row)).await
    }

    fn request(&self, client: &Client, row: &Row) -> RequestBuilder {
        let mut request = client.request(row.method.clone(), &self.fill(row.path));
        if let Some(body) = &row.body {
            request = request
                .header("Content-Type", "application/json")
                .body(self.fill(&body.to_string()));
        }
        request
    }
}

#[tokio::test]
async fn every_operation_has_a_row() {
    let server = TestServer::start(BACKEND).await;
    let mut covered: Vec<_> = rows()
        .into_iter()
        .map(|row| {
            (
                row.operation.to_owned(),
                row.method.to_string(),
                row.path.to_owned(),
            )
        })
        .collect();
    covered.sort();
    assert_eq!(covered, published(&server).await);
}

#[tokio::test]
async fn every_operation_needs_a_token() {
    let server = TestServer::start(BACKEND).await;
    let things = things(&server).await;
    for row in rows() {
        let refused = things.call(&server.client_with(None), &row).await;
        refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
}

/// All routes outside of the contract.
#[tokio::test]
async fn every_unpublished_route_that_needs_a_caller_refuses_others() {
    let server = TestServer::start(BACKEND).await;
    let (alice, nobody) = (server.client("alice"), server.client_with(None));
    let mut needing = Vec::new();
    for route in chatkit_http::unpublished_routes() {
        let request = |client: &Client| {
            let request = client.request(route.method.clone(), route.path);
            request.json(&json!({"type": "threads.list", "params": {}}))
        };
        let answer = nobody.send(request(&nobody)).await;
        if !route.needs_caller {
            assert_eq!(answer.status, StatusCode::OK, "{}", route.path);
            continue;
        }
        needing.push(route.path);
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", route.path);
        let other = request(&alice).header("X-Expected-User", "bob");
        let refused = alice.send(other).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", route.path);
        let wrong = alice.request(Method::PATCH, route.path);
        let refused = alice.send(wrong).await;
        assert_eq!(
            refused.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{}",
            route.path
        );
        let allowed = refused
            .header("allow")
            .split(", ")
            .any(|name| name == route.method);
        assert!(allowed, "{}", route.path);
    }
    let expected = [
        "/v1/chat/completions",
        "/v1/models",
        "/chatkit",
        "/api/v1/chatkit",
    ];
    assert_eq!(needing, expected);
}

#[tokio::test]
async fn another_users_things_are_as_if_they_never_were() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let mallory = server.client("mallory");
    let real = things(&server).await;
    let invented = Things {
        conversation: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        message: "01890a5d-ac96-774b-bcce-b302099a8059".to_owned(),
        run: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
    };
    let before = alice.history(&real.conversation).await;
    for row in rows() {
        let answer = real.call(&mallory, &row).await;
        match row.foreign {
            Foreign::Nothing => assert!(answer.status.is_success(), "{}", row.operation),
            Foreign::Forbidden => {
                answer.expect_problem(StatusCode::FORBIDDEN, "other_user");
            }
            Foreign::NotForCalling => {
                answer.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
            }
            Foreign::NotFound(code) => {
                answer.expect_problem(StatusCode::NOT_FOUND, code);
                let mut never = invented.call(&mallory, &row).await.body;
                never["request_id"] = answer.body["request_id"].clone();
                assert_eq!(answer.body, never, "{}", row.operation);
            }
        }
    }
    assert_eq!(alice.history(&real.conversation).await, before);
    let mine = alice
        .get(&format!("/api/chat/conversations/{}", real.conversation))
        .await;
    mine.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_is_meant_for_another_user_is_not_carried_out() {
    let server = TestServer::start(BACKEND).await;
    let things = things(&server).await;
    let alice = server.client("alice");
    let before = alice.history(&things.conversation).await;
    let expecting =
        |request: RequestBuilder, user: &str| alice.send(request.header("X-Expected-User", user));
    for row in rows() {
        if matches!(row.foreign, Foreign::NotForCalling) {
            continue;
        }
        for other in ["bob", "", "ALICE", "alice "] {
            let refused = expecting(things.request(&alice, &row), &format!("{other}%20")).await;
            refused.expect_problem(StatusCode::FORBIDDEN, "other_user");
        }
    }
    assert_eq!(alice.history(&things.conversation).await, before);
    let path = format!("/api/chat/conversations/{}", things.conversation);
    let read = expecting(alice.request(Method::GET, &path), "%61lice").await;
    read.expect(StatusCode::OK);
    let odd = server.client("Zoë / 100%");
    let request = odd.request(Method::GET, "/api/info");
    let info = odd
        .send(request.header("X-Expected-User", "Zo%C3%AB%20%2F%20100%25"))
        .await;
    assert_eq!(info.expect(StatusCode::OK)["user_id"], "Zoë / 100%");
}

async fn things(server: &TestServer) -> Things {
    let alice = server.client("alice");
    let conversation = alice.create_conversation().await;
    let turn = alice.say(&conversation, "hello").await;
    Things {
        conversation,
        message: turn["user_message"]["id"].as_str().unwrap().to_owned(),
        run: turn["run"]["id"].as_str().unwrap().to_owned(),
    }
}
