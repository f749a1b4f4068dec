//! What surrounds every request.

use chatkit_tests::{Answer, Backend, Client, TestServer};
use reqwest::{Body, Method, RequestBuilder, StatusCode, header::CONTENT_TYPE};
use serde_json::json;

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

fn post(client: &Client, body: impl Into<Body>) -> RequestBuilder {
    client
        .request(Method::POST, PATH)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
}

#[tokio::test]
async fn unreadable_bodies_are_400() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "nonsense",
        "{\"title\": \"a\"} trailing",
        "\u{feff}{}",
        "{\"title\": \"\\ud800\"}",
        &nested,
    ] {
        let refused = alice.send(post(&alice, body.to_owned())).await;
        refused.expect_problem(StatusCode::BAD_REQUEST, "unreadable_body");
    }
    let refused = alice.send(post(&alice, vec![b'"', 0xff, b'"'])).await;
    refused.expect_problem(StatusCode::BAD_REQUEST, "unreadable_body");
}

#[tokio::test]
async fn bodies_must_be_objects() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for body in ["[]", "[\"a title\"]", "null", "1", "\"title\""] {
        let refused = alice.send(post(&alice, body.to_owned())).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
}

/// The path and the rule of a value that is refused.
async fn rule(client: &Client, body: &str) -> (String, String) {
    let refused = client.send(post(client, body.to_owned())).await;
    let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let error = &problem["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("path"), text("message"))
}

#[tokio::test]
async fn a_wrong_value_gets_a_written_sentence() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for body in [r#"{"title": 5}"#, r#"{"title": ["a"]}"#, r#"{"title": {}}"#] {
        let (path, message) = rule(&alice, body).await;
        assert_eq!(
            (path.as_str(), message.as_str()),
            ("title", "must be a string")
        );
    }
    let (path, message) = rule(&alice, "[]").await;
    assert_eq!(
        (path.as_str(), message.as_str()),
        (".", "must be a JSON object")
    );
    let id = alice.create_conversation().await;
    let untitled = alice
        .request(Method::PUT, &format!("{PATH}/{id}"))
        .json(&json!({}));
    let untitled = alice.send(untitled).await;
    let problem = untitled.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    assert_eq!(problem["detail"], "title: is required");
    let unreadable = alice.send(post(&alice, "{\"title\": tru}")).await;
    let problem = unreadable.expect_problem(StatusCode::BAD_REQUEST, "unreadable_body");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("The body could not be read: it is not valid JSON (line 1"));
}

#[tokio::test]
async fn unknown_paths_are_404_in_the_same_shape() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for path in [
        "/nope",
        "/api",
        "/api/nope",
        "/api/chat/conversations/",
        "/health",
        "/api/chat/conversations/a/b/c",
        "/%ff",
    ] {
        let missing = alice.get(path).await;
        missing.expect_problem(StatusCode::NOT_FOUND, "route_not_found");
    }
    for id in ["no-uuid", "%ff", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let missing = alice.get(&format!("{PATH}/{id}")).await;
        missing.expect_problem(StatusCode::NOT_FOUND, "conversation_not_found");
    }
}

#[tokio::test]
async fn wrong_methods_are_405_and_name_the_right_ones() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for (method, path, allow) in [
        (Method::PATCH, PATH, "GET, HEAD, POST"),
        (Method::DELETE, PATH, "GET, HEAD, POST"),
        (Method::OPTIONS, PATH, "GET, HEAD, POST"),
        (Method::GET, "/api/v1/chat", "POST"),
        (Method::POST, "/health/live", "GET, HEAD"),
        (Method::POST, "/openapi.yaml", "GET, HEAD"),
    ] {
        let refused = alice.send(alice.request(method, path)).await;
        refused.expect_problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        assert_eq!(refused.header("allow"), allow, "{path}");
    }
    let head = alice.send(alice.request(Method::HEAD, PATH)).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn who_accepts_no_json_gets_406() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let ask = |accept: &str| alice.request(Method::GET, PATH).header("Accept", accept);
    for accept in [
        "text/html",
        "application/json;q=0",
        "text/event-stream, image/*",
    ] {
        let refused = alice.send(ask(accept)).await;
        refused.expect_problem(StatusCode::NOT_ACCEPTABLE, "not_acceptable");
    }
    for accept in [
        "",
        "*/*",
        "application/json",
        "text/html, application/*;q=0.8",
    ] {
        alice.send(ask(accept)).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_sentence_of_406_names_the_media_type() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "hello").await;
    let run = turn["run"]["id"].as_str().unwrap();
    let events = format!("{PATH}/{id}/runs/{run}/events");
    for (path, accept, media_type) in [
        (events.as_str(), "application/json", "text/event-stream"),
        (PATH, "text/event-stream", "application/json"),
    ] {
        let request = alice.request(Method::GET, path).header("Accept", accept);
        let refused = alice.send(request).await;
        let problem = refused.expect_problem(StatusCode::NOT_ACCEPTABLE, "not_acceptable");
        let sentence =
            format!("The response would be {media_type}, which the Accept header excludes");
        assert_eq!(problem["detail"], sentence);
    }
}

#[tokio::test]
async fn bodies_beyond_1_mib_are_413() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let large = json!({"title": "x".repeat(1024 * 1024)}).to_string();
    let announced = alice.send(post(&alice, large.clone())).await;
    announced.expect_problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");

    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = large
        .as_bytes()
        .chunks(64 * 1024)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    let chunked = Body::wrap_stream(futures::stream::iter(pieces));
    let unannounced = alice.send(post(&alice, chunked)).await;
    unannounced.expect_problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");

    let fitting = json!({"title": "x".repeat(1024 * 1024 - 100)}).to_string();
    let read = alice.send(post(&alice, fitting)).await;
    read.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
}

#[tokio::test]
async fn bodies_that_are_not_json_by_type_are_415() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "nonsense",
    ] {
        let request = alice
            .request(Method::POST, PATH)
            .header(CONTENT_TYPE, content_type)
            .body("{}");
        let refused = alice.send(request).await;
        refused.expect_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    }
    let untyped = alice
        .send(alice.request(Method::POST, PATH).body("{}"))
        .await;
    untyped.expect_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    let request = alice
        .request(Method::POST, PATH)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body("{}");
    alice.send(request).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_failing_database_is_a_500_that_tells_nothing() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let url = server.database().url().to_owned();
    // Takes the tables from under the running server.
    for _ in chatkit_migration::status(&url).await.unwrap() {
        chatkit_migration::down(&url).await.unwrap();
    }
    let answers = [
        alice.get(PATH).await,
        alice.get(&format!("{PATH}/{id}")).await,
        alice.post(PATH, json!({})).await,
        alice.post("/api/v1/chat", json!({"message": "hi"})).await,
    ];
    for answer in answers {
        let problem = answer.expect_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal_error");
        assert_eq!(problem["detail"], "The server failed to answer");
        for word in ["conversations\"", "table", "SELECT", "relation", "sqlx"] {
            assert!(!answer.text.contains(word), "{}", answer.text);
        }
    }
    let ready = alice.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    alice.get("/health/live").await.expect(StatusCode::OK);
}

/// Puts the database out of reach of writers; it stays so for as long as the value lives.
async fn block(server: &TestServer) -> Option<std::process::Child> {
    match BACKEND {
        Backend::Sqlite => {
            let file = server.database().folder().unwrap().join("chatkit.db");
            let script = "import sqlite3, sys, time\n\
                 c = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                 c.execute('BEGIN IMMEDIATE')\n\
                 print('held', flush=True)\n\
                 time.sleep(60)\n";
            let mut child = std::process::Command::new("python3")
                .args(["-c", script])
                .arg(file)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            let output = child.stdout.take().unwrap();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
            assert_eq!(line, "held\n");
            Some(child)
        }
        Backend::Postgres => {
            let name = server.database().name();
            let cluster = chatkit_tests::postgres::Cluster::shared();
            cluster.sql(
                "postgres",
                &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
            );
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
            cluster.sql("postgres", &format!("{end} = '{name}'"));
            None
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_with_retry_after() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let blocker = block(&server).await;
    let path = format!("{PATH}/{id}/messages");
    let answers: [Answer; 2] = [
        alice.post(PATH, json!({})).await,
        alice.post(&path, json!({"content": "hello"})).await,
    ];
    for answer in answers {
        answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    if let Some(mut blocker) = blocker {
        blocker.kill().unwrap();
        blocker.wait().unwrap();
        alice.say(&id, "hello").await;
    }
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let server = TestServer::start(BACKEND).await;
    let alice = server.client("alice");
    let own = alice.get(PATH).await;
    assert_eq!(own.header("x-request-id").len(), 36);
    let ask = |id: &str| {
        alice
            .request(Method::GET, "/nope")
            .header("X-Request-Id", id)
    };
    let given = alice.send(ask("my-request.1")).await;
    assert_eq!(given.body["request_id"], "my-request.1");
    assert_eq!(given.header("x-request-id"), "my-request.1");
    for insane in ["a b", "a\"b", &"x".repeat(200)] {
        let replaced = alice.send(ask(insane)).await;
        assert_eq!(replaced.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn answers_are_not_sniffed_cached_or_leaked() {
    let server = TestServer::start(BACKEND).await;
    let answer = server.client("alice").get(PATH).await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn connections_that_say_nothing_are_not_kept() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::start(BACKEND).await;
    let address = server.url().replace("http://", "");
    let mut idle = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut undecided = tokio::net::TcpStream::connect(&address).await.unwrap();
    undecided.write_all(b"PRI * HTT").await.unwrap();
    // A stop does not wait for them either.
    server.stop().await;
    for stream in [&mut idle, &mut undecided] {
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest).await;
        assert!(read.is_err() || rest.is_empty());
    }
}

const ORIGIN: &str = "https://app.example.com";

#[tokio::test]
async fn pages_of_listed_origins_may_call() {
    let flags = ["--cors-origins=https://app.example.com,http://localhost:3000"];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let nobody = server.client_with(None);
    let preflight = nobody
        .request(Method::OPTIONS, PATH)
        .header("Origin", ORIGIN)
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "authorization, x-stainless-os, x-evil",
        );
    let allowed = nobody.send(preflight).await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT);
    assert_eq!(allowed.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert_eq!(
        allowed.header("access-control-allow-headers"),
        "authorization, x-stainless-os"
    );
    assert!(
        allowed
            .header("access-control-allow-methods")
            .contains("PUT")
    );

    // Errors can be read by the page too.
    for (client, path) in [
        (&server.client("alice"), PATH),
        (&nobody, PATH),
        (&nobody, "/nope"),
    ] {
        let answer = client
            .send(client.request(Method::GET, path).header("Origin", ORIGIN))
            .await;
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(answer.header("vary"), "Origin");
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.contains("ETag") && exposed.contains("X-Request-Id"));
    }
}

#[tokio::test]
async fn pages_of_other_origins_cannot_read_the_answer() {
    let flags = ["--cors-origins=https://app.example.com"];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let alice = server.client("alice");
    for origin in [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "null",
    ] {
        let ask = alice.request(Method::GET, PATH).header("Origin", origin);
        let answer = alice.send(ask).await;
        answer.expect(StatusCode::OK);
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("vary"), "Origin");
        let preflight = alice
            .request(Method::OPTIONS, PATH)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "GET");
        let refused = alice.send(preflight).await;
        assert_eq!(refused.header("access-control-allow-origin"), "");
        assert_eq!(refused.header("access-control-allow-methods"), "");
    }
}

#[tokio::test]
async fn the_server_serves_its_contract_and_says_what_it_is() {
    let server = TestServer::start(BACKEND).await;
    let nobody = server.client_with(None);
    let contract = nobody.get("/openapi.yaml").await;
    assert_eq!(contract.header("content-type"), "application/yaml");
    assert_eq!(contract.text, include_str!("../../openapi/chat-api.yaml"));
    let page = nobody.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("listConversations"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"));
    let info = server.client("alice").get("/api/info").await;
    let info = info.expect(StatusCode::OK);
    assert_eq!(
        (&info["provider"], &info["model"]),
        (&json!("rules"), &json!("rules"))
    );
    assert_eq!(info["user_id"], "alice");
    assert_eq!(info["limits"]["message_chars"], 10_000);
    nobody.get("/health/ready").await.expect(StatusCode::OK);
}
