//! Signing in with a link, and the cookie.

use chatkit_tests::{
    Answer, TestServer,
    issuer::{Issuer, Signer},
    token::{self, SECRET, in_seconds, signed},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

fn link_token() -> String {
    let claims = json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(600)});
    signed(&claims, SECRET)
}

async fn sign_in(server: &TestServer, token: &str) -> Answer {
    let client = server.client_with(Some(token));
    client
        .send(client.request(Method::POST, "/api/session"))
        .await
}

/// The `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    let (cookie, _) = answer.header("set-cookie").split_once(';').unwrap();
    cookie.to_owned()
}

/// Asks with a cookie and these headers.
async fn with_cookie(
    server: &TestServer,
    method: Method,
    path: &str,
    cookie: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let client = server.client_with(None);
    let mut request: RequestBuilder = client.request(method.clone(), path);
    if matches!(method, Method::POST | Method::PUT) {
        request = request.json(&json!({"title": "By cookie"}));
    }
    request = request.header("Cookie", cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request).await
}

#[tokio::test]
async fn a_link_signs_in_and_nothing_else() {
    let server = TestServer::start(BACKEND).await;
    let token = link_token();
    let refused = server.client_with(Some(&token)).get(PATH).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    let in_list = json!({"sub": "alice", "aud": ["x", "sign-in"], "exp": in_seconds(60)});
    let refused = server.client_with(Some(&signed(&in_list, SECRET)));
    let refused = refused.get(PATH).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");

    let signed_in = sign_in(&server, &token).await;
    signed_in.expect(StatusCode::NO_CONTENT);
    let set = signed_in.header("set-cookie");
    assert!(
        set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    let cookie = cookie(&signed_in);
    let listed = with_cookie(&server, Method::GET, PATH, &cookie, &[]).await;
    listed.expect(StatusCode::OK);

    let same_origin = [("Sec-Fetch-Site", "same-origin")];
    let session = "/api/session";
    let out = with_cookie(&server, Method::DELETE, session, &cookie, &same_origin).await;
    out.expect(StatusCode::NO_CONTENT);
    let set = out.header("set-cookie");
    assert!(set.starts_with("auth_token=; Path=/; Max-Age=0"), "{set}");
}

#[tokio::test]
async fn one_can_sign_out_with_a_token_that_is_not_good_any_more() {
    let server = TestServer::start(BACKEND).await;
    let stale = signed(&json!({"sub": "alice", "exp": in_seconds(-60)}), SECRET);
    let session = "/api/session";
    for cookie in [format!("auth_token={stale}"), "auth_token=x".to_owned()] {
        let page = [("Sec-Fetch-Site", "same-origin")];
        let out = with_cookie(&server, Method::DELETE, session, &cookie, &page).await;
        out.expect(StatusCode::NO_CONTENT);
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        let foreign = with_cookie(&server, Method::DELETE, session, &cookie, &[]).await;
        foreign.expect_problem(StatusCode::FORBIDDEN, "foreign_origin");
        assert_eq!(foreign.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn an_issuers_token_does_not_sign_in() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    let url = issuer.jwks_url();
    let flags = ["--jwks-url", url.as_str()];
    let claims = json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(60)});
    let server = TestServer::start_with(BACKEND, &flags).await;
    let refused = sign_in(&server, &key.token(&claims)).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    // Where nothing can be signed nobody signs in.
    let server = TestServer::start_without_secret(BACKEND, &flags).await;
    let refused = sign_in(&server, &key.token(&claims)).await;
    refused.expect_problem(StatusCode::NOT_IMPLEMENTED, "not_configured");
}

#[tokio::test]
async fn only_sign_in_tokens_sign_in() {
    let server = TestServer::start(BACKEND).await;
    let expired = json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(-60)});
    let endless = json!({"sub": "alice", "aud": "sign-in"});
    let long = json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(3_600)});
    let shared = json!({"sub": "alice", "aud": ["sign-in", "x"], "exp": in_seconds(60)});
    let other = "another-secret-of-nobody-0123456789abc";
    for token in [
        token::of("alice"),
        signed(&expired, SECRET),
        signed(&endless, SECRET),
        signed(&long, SECRET),
        signed(&shared, SECRET),
        signed(&json!({"aud": "sign-in", "exp": in_seconds(60)}), SECRET),
        signed(
            &json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(60)}),
            other,
        ),
    ] {
        let refused = sign_in(&server, &token).await;
        refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
        assert_eq!(refused.header("set-cookie"), "");
    }
    let cookie = format!("auth_token={}", link_token());
    let same_origin = [("Sec-Fetch-Site", "same-origin")];
    let refused = with_cookie(&server, Method::POST, "/api/session", &cookie, &same_origin).await;
    refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_use_the_cookie() {
    let flags = [
        "--public-url=https://chat.example",
        "--cors-origins=https://app.example",
    ];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let signed_in = sign_in(&server, &link_token()).await;
    assert!(signed_in.header("set-cookie").ends_with("; Secure"));
    let cookie = cookie(&signed_in);
    let foreign: [&[(&str, &str)]; 6] = [
        &[],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "https://chat.example.evil")],
        &[("Sec-Fetch-Site", "same-site")],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://evil.example"),
        ],
    ];
    for headers in foreign {
        for method in [Method::POST, Method::DELETE] {
            let path = match method {
                Method::POST => PATH,
                _ => "/api/session",
            };
            let refused = with_cookie(&server, method, path, &cookie, headers).await;
            refused.expect_problem(StatusCode::FORBIDDEN, "foreign_origin");
        }
        let completion = "/v1/chat/completions";
        let refused = with_cookie(&server, Method::POST, completion, &cookie, headers).await;
        let error = &refused.expect(StatusCode::FORBIDDEN)["error"];
        assert_eq!(error["code"], "foreign_origin");
        // Reading is left to the browser, which shows it to no other origin.
        let read = with_cookie(&server, Method::GET, PATH, &cookie, headers).await;
        assert_eq!(read.expect(StatusCode::OK)["conversations"], json!([]));
    }
    for headers in [
        ("Origin", "https://chat.example"),
        ("Origin", "https://app.example"),
        ("Sec-Fetch-Site", "same-origin"),
    ] {
        let created = with_cookie(&server, Method::POST, PATH, &cookie, &[headers]).await;
        created.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_bearer_header_decides_alone() {
    let server = TestServer::start(BACKEND).await;
    let cookie = format!("theme=dark; auth_token={}", token::of("alice"));
    let user = async |authorization: &str| {
        let headers = [
            ("Authorization", authorization),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        with_cookie(&server, Method::POST, PATH, &cookie, &headers).await
    };
    let bob = format!("Bearer {}", token::of("bob"));
    assert_eq!(
        user(&bob).await.expect(StatusCode::CREATED)["user_id"],
        "bob"
    );
    let refused: Value = user("Bearer nonsense").await.body;
    assert_eq!(refused["detail"], "Invalid token");
    assert_eq!(user("Bearer ").await.status, StatusCode::UNAUTHORIZED);
    // A proxy's own password is no token.
    let basic = user("Basic YTpi").await;
    assert_eq!(basic.expect(StatusCode::CREATED)["user_id"], "alice");
}
