//! Who is calling.

use chatkit_tests::{
    TestServer,
    issuer::hmac_token,
    token::{self, SECRET, in_seconds, signed, signed_as},
};
use jsonwebtoken::Algorithm;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

/// Asks with an `Authorization` header as it is.
async fn with_header(server: &TestServer, header: &str) -> chatkit_tests::Answer {
    let client = server.client_with(None);
    let request = client
        .request(Method::GET, PATH)
        .header("Authorization", header);
    client.send(request).await
}

async fn check_refused(server: &TestServer, header: &str, detail: &str) {
    let refused = with_header(server, header).await;
    let problem = refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    assert_eq!(problem["detail"], detail, "{header}");
    let challenge = refused.header("www-authenticate");
    match detail {
        "Not authenticated" => assert_eq!(challenge, "Bearer"),
        _ => assert!(
            challenge.starts_with("Bearer error=\"invalid_token\", error_description=\"t"),
            "{challenge}"
        ),
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_is_bare() {
    let server = TestServer::start(BACKEND).await;
    let refused = server.client_with(None).get(PATH).await;
    let problem = refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    assert_eq!(problem["detail"], "Not authenticated");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    for header in ["Basic YTpi", "Bearer", "nonsense"] {
        check_refused(&server, header, "Not authenticated").await;
    }
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    let server = TestServer::start(BACKEND).await;
    let good = json!({"sub": "alice", "exp": in_seconds(60)});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let body = |text: &str| text.split('.').nth(1).unwrap().to_owned();
    let signed_good = signed(&good, SECRET);
    let invalid = [
        signed(&good, "another-secret-of-nobody-0123456789abc"),
        signed_as(Algorithm::HS512, &good, SECRET),
        signed(&json!({"sub": "alice"}), SECRET),
        signed(&with("exp", json!("soon")), SECRET),
        signed(&with("nbf", json!(in_seconds(120))), SECRET),
        signed(&with("nbf", json!("yesterday")), SECRET),
        signed(&with("sub", json!("")), SECRET),
        signed(&with("sub", json!({"a": 1})), SECRET),
        signed(&with("sub", json!("x".repeat(256))), SECRET),
        signed(&json!({"exp": in_seconds(60), "email": "a@b.c"}), SECRET),
        // {"alg":"none","typ":"JWT"}
        format!(
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.",
            body(&signed_good)
        ),
        format!("{signed_good}x"),
        hmac_token(
            &json!({"alg": "HS256", "crit": ["b64"], "b64": true}),
            &good,
            SECRET.as_bytes(),
        ),
        hmac_token(&json!({"alg": "hs256"}), &good, SECRET.as_bytes()),
        // A Better Auth session token.
        "a.b".to_owned(),
        "…".to_owned(),
    ];
    for token in invalid.iter().filter(|token| token.is_ascii()) {
        check_refused(&server, &format!("Bearer {token}"), "Invalid token").await;
    }
    let expired = signed(&with("exp", json!(in_seconds(-60))), SECRET);
    check_refused(&server, &format!("Bearer {expired}"), "Token expired").await;
}

#[tokio::test]
async fn a_better_auth_session_token_is_told_from_a_jwt() {
    let server = TestServer::start(BACKEND).await;
    let refused = with_header(&server, "Bearer 6aXN2Zk1.c2lnbmF0dXJl").await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("/api/auth/token"), "{challenge}");
}

#[tokio::test]
async fn tokens_that_hold_are_accepted() {
    let server = TestServer::start(BACKEND).await;
    let exp = in_seconds(60);
    for (claims, user) in [
        (json!({"sub": "alice", "exp": exp}), "alice"),
        (json!({"user_id": "bob", "exp": exp}), "bob"),
        (json!({"id": 42, "exp": exp}), "42"),
        (
            json!({"sub": "carol", "user_id": "x", "exp": exp, "aud": "anyone"}),
            "carol",
        ),
        // Clocks may differ by 30 seconds.
        (
            json!({"sub": "dave", "exp": in_seconds(-20), "nbf": in_seconds(20)}),
            "dave",
        ),
    ] {
        let client = server.client_with(Some(&signed(&claims, SECRET)));
        let created = client.post(PATH, json!({})).await;
        assert_eq!(created.expect(StatusCode::CREATED)["user_id"], user);
    }
    let lower = with_header(&server, &format!("bearer {}", token::of("alice"))).await;
    lower.expect(StatusCode::OK);
}

#[tokio::test]
async fn issuer_and_audience_are_required_where_configured() {
    let flags = ["--jwt-issuer=https://auth.example", "--jwt-audience=chat"];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let claims = |iss: Value, aud: Value| {
        let mut claims = json!({"sub": "alice", "exp": in_seconds(60)});
        for (name, value) in [("iss", iss), ("aud", aud)] {
            if !value.is_null() {
                claims[name] = value;
            }
        }
        signed(&claims, SECRET)
    };
    let issuer = json!("https://auth.example");
    for aud in [json!("chat"), json!(["other", "chat"])] {
        let client = server.client_with(Some(&claims(issuer.clone(), aud)));
        client.get(PATH).await.expect(StatusCode::OK);
    }
    for (iss, aud) in [
        (issuer.clone(), Value::Null),
        (Value::Null, json!("chat")),
        (issuer.clone(), json!("other")),
        (json!("https://evil.example"), json!("chat")),
    ] {
        let token = claims(iss, aud);
        check_refused(&server, &format!("Bearer {token}"), "Invalid token").await;
    }
}

#[tokio::test]
async fn a_token_goes_before_a_body() {
    let server = TestServer::start(BACKEND).await;
    let client = server.client_with(None);
    let request = client
        .request(Method::POST, PATH)
        .header("Content-Type", "application/json")
        .body("{ no json");
    let refused = client.send(request).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
}
