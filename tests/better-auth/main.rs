//! Tokens that a real Better Auth issues, at our server.

use std::time::Duration;

use chatkit_tests::{Answer, Backend, BetterAuth, TestServer, token};
use reqwest::StatusCode;
use serde_json::json;

/// A server that knows its callers by this Better Auth.
async fn server_of(auth: &BetterAuth) -> TestServer {
    let flags = [
        format!("--jwks-url={}", auth.jwks_url()),
        format!("--jwt-issuer={}", auth.issuer()),
        format!("--jwt-audience={}", auth.issuer()),
    ];
    let flags = flags.each_ref().map(String::as_str);
    TestServer::start_without_secret(Backend::Sqlite, &flags).await
}

async fn create(server: &TestServer, token: &str) -> Answer {
    let client = server.client_with(Some(token));
    client.post("/api/chat/conversations", json!({})).await
}

async fn check_refused(server: &TestServer, token: &str) -> Answer {
    let refused = create(server, token).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    refused
}

#[tokio::test]
async fn its_tokens_are_accepted_whatever_they_are_signed_with() {
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let auth = BetterAuth::start_with(&[&format!("--alg={algorithm}")]).await;
        let server = server_of(&auth).await;
        let alice = auth.sign_up("alice@example.com").await;
        let created = create(&server, &alice.token().await).await;
        let created = created.expect(StatusCode::CREATED);
        assert_eq!(created["user_id"], alice.user_id(), "{algorithm}");
    }
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched() {
    let auth = BetterAuth::start_with(&["--rotation-interval=1"]).await;
    let server = server_of(&auth).await;
    let alice = auth.sign_up("alice@example.com").await;
    let old = alice.token().await;
    create(&server, &old).await.expect(StatusCode::CREATED);
    // The first key was unknown too, when the server started before any was made: so the server
    // may fetch again only after its pause. Another one has not used its up.
    let server = server_of(&auth).await;
    create(&server, &old).await.expect(StatusCode::CREATED);
    let key_of = |token: &str| token.split('.').next().unwrap_or_default().to_owned();
    let mut new = old.clone();
    while key_of(&new) == key_of(&old) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        new = alice.token().await;
    }
    create(&server, &new).await.expect(StatusCode::CREATED);
    create(&server, &old).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn tokens_of_another_one_are_refused() {
    let auth = BetterAuth::start().await;
    let other = BetterAuth::start().await;
    let server = server_of(&auth).await;
    let mallory = other.sign_up("alice@example.com").await;
    check_refused(&server, &mallory.token().await).await;
    check_refused(&server, &token::of("alice")).await;
}

#[tokio::test]
async fn its_session_token_is_told_from_a_jwt() {
    let auth = BetterAuth::start().await;
    let server = server_of(&auth).await;
    let alice = auth.sign_up("alice@example.com").await;
    let refused = check_refused(&server, alice.session_token()).await;
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("Better Auth session token"),
        "{challenge}"
    );
}
