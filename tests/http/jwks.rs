//! Tokens of an issuer that publishes its keys.

use std::time::Duration;

use chatkit_tests::{
    Answer, TestServer, eventually,
    issuer::{Issuer, Signer, hmac_token},
    token::{self, SECRET, in_seconds},
};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::BACKEND;

const PATH: &str = "/api/chat/conversations";

fn claims() -> Value {
    json!({"sub": "alice", "exp": in_seconds(60)})
}

async fn server_of(issuer: &Issuer) -> TestServer {
    let flags = ["--jwks-url", &issuer.jwks_url()];
    TestServer::start_with(BACKEND, &flags).await
}

async fn ask(server: &TestServer, token: &str) -> Answer {
    server.client_with(Some(token)).get(PATH).await
}

async fn check_refused(server: &TestServer, token: &str) {
    let refused = ask(server, token).await;
    let problem = refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    assert_eq!(problem["detail"], "Invalid token");
}

#[tokio::test]
async fn tokens_of_each_kind_of_key_are_accepted() {
    let keys = [
        Signer::ed25519("ed"),
        Signer::p256("ec"),
        Signer::rsa("rsa"),
    ];
    let issuer = Issuer::start(&[&keys[0], &keys[1], &keys[2]]).await;
    let server = server_of(&issuer).await;
    for key in &keys {
        ask(&server, &key.token(&claims()))
            .await
            .expect(StatusCode::OK);
    }
    // The algorithm under its newer name (RFC 9864).
    let newer = keys[0].token_with(&json!({"alg": "Ed25519", "kid": "ed"}), &claims());
    ask(&server, &newer).await.expect(StatusCode::OK);
    // And those of the secret, beside them.
    let shared = ask(&server, &token::of("alice")).await;
    shared.expect(StatusCode::OK);
}

#[tokio::test]
async fn without_a_secret_only_published_keys_count() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    let flags = ["--jwks-url", &issuer.jwks_url()];
    let server = TestServer::start_without_secret(BACKEND, &flags).await;
    let good = ask(&server, &key.token(&claims())).await;
    good.expect(StatusCode::OK);
    check_refused(&server, &token::of("alice")).await;
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (ed, ec, rsa) = (
        Signer::ed25519("ed"),
        Signer::p256("ec"),
        Signer::rsa("rsa"),
    );
    let issuer = Issuer::start(&[&ed, &ec, &rsa]).await;
    let server = server_of(&issuer).await;
    let claims = claims();
    let mallory = Signer::ed25519("ed");
    let evil = Issuer::start(&[&mallory]).await;
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": "ed"});
        header[name] = value;
        header
    };
    let forged = [
        // Another key under a known name, carried along or pointed to.
        mallory.token(&claims),
        mallory.token_with(&with("jwk", mallory.jwk.clone()), &claims),
        mallory.token_with(&with("jku", json!(evil.jwks_url())), &claims),
        mallory.token_with(&with("x5u", json!(evil.jwks_url())), &claims),
        // No name, an unknown one, and one of another type.
        ed.token_with(&json!({"alg": "EdDSA"}), &claims),
        ed.token_with(&json!({"alg": "EdDSA", "kid": "other"}), &claims),
        ed.token_with(&json!({"alg": "EdDSA", "kid": 1}), &claims),
        // A key that is used with another algorithm than its own.
        ed.token_with(&json!({"alg": "RS256", "kid": "ed"}), &claims),
        rsa.token_with(&json!({"alg": "PS256", "kid": "rsa"}), &claims),
        rsa.token_with(&json!({"alg": "RS256", "kid": "ec"}), &claims),
        rsa.token_with(&json!({"alg": "none", "kid": "rsa"}), &claims),
        // Public keys as shared secrets.
        hmac_token(&json!({"alg": "HS256", "kid": "ed"}), &claims, &ed.public),
        hmac_token(&json!({"alg": "HS256", "kid": "rsa"}), &claims, &rsa.public),
        hmac_token(&json!({"alg": "EdDSA", "kid": "ed"}), &claims, &ed.public),
        hmac_token(
            &json!({"alg": "EdDSA", "kid": "ed"}),
            &claims,
            SECRET.as_bytes(),
        ),
        // What must be understood, and is not.
        ed.token_with(&with("crit", json!(["exp"])), &claims),
        ed.token_with(&with("crit", Value::Null), &claims),
        ed.token_with(&json!(["EdDSA", "ed", null]), &claims),
        // Tokens of the issuer for something else.
        ed.token_with(
            &with("typ", json!("better-auth.session-cache+jwt")),
            &claims,
        ),
        // Claims.
        ed.token(&json!({"sub": "alice"})),
        ed.token(&json!({"sub": "alice", "exp": in_seconds(60), "nbf": in_seconds(120)})),
        ed.token(&json!({"exp": in_seconds(60), "email": "alice@example.com"})),
    ];
    for token in &forged {
        check_refused(&server, token).await;
    }
    assert_eq!(evil.fetches(), 0);
    let expired = ed.token(&json!({"sub": "alice", "exp": in_seconds(-31)}));
    let refused = ask(&server, &expired).await;
    let problem = refused.expect_problem(StatusCode::UNAUTHORIZED, "unauthorized");
    assert_eq!(problem["detail"], "Token expired");
    let good = ask(&server, &ed.token(&claims)).await;
    good.expect(StatusCode::OK);
}

#[tokio::test]
async fn many_unknown_keys_cause_few_fetches() {
    let known = Signer::ed25519("known");
    let issuer = Issuer::start(&[&known]).await;
    let server = server_of(&issuer).await;
    let unknown = Signer::ed25519("");
    let tokens = (0..200).map(|number| {
        let header = json!({"alg": "EdDSA", "kid": format!("unknown-{number}")});
        unknown.token_with(&header, &claims())
    });
    let tokens: Vec<String> = tokens.collect();
    join_all(tokens.iter().map(|token| check_refused(&server, token))).await;
    assert!(issuer.fetches() <= 3, "{}", issuer.fetches());
    let good = ask(&server, &known.token(&claims())).await;
    good.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_last_good_keys_survive_an_outage() {
    let key = Signer::ed25519("ed");
    let other = Signer::ed25519("other");
    let too_large = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(300 * 1024));
    for (status, body) in [
        (500, "down"),
        (302, "elsewhere"),
        (200, "no JSON"),
        (200, "{}"),
        (200, &too_large),
    ] {
        let issuer = Issuer::start(&[&key]).await;
        let server = server_of(&issuer).await;
        let good = ask(&server, &key.token(&claims())).await;
        good.expect(StatusCode::OK);
        let before = issuer.fetches();
        issuer.answer_with(status, body);
        check_refused(&server, &other.token(&claims())).await;
        assert_eq!(issuer.fetches(), before + 1, "{body:.40}");
        let good = ask(&server, &key.token(&claims())).await;
        good.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn withdrawn_keys_are_forgotten() {
    let (key, other) = (Signer::ed25519("ed"), Signer::ed25519("other"));
    for body in [
        "{\"keys\": []}",
        "{\"keys\": [{\"kty\": \"oct\", \"kid\": \"ed\", \"k\": \"AAAA\"}]}",
    ] {
        let issuer = Issuer::start(&[&key]).await;
        let server = server_of(&issuer).await;
        let good = ask(&server, &key.token(&claims())).await;
        good.expect(StatusCode::OK);
        issuer.answer_with(200, body);
        check_refused(&server, &other.token(&claims())).await;
        check_refused(&server, &key.token(&claims())).await;
    }
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait_for_it() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    issuer.answer(false);
    let server = server_of(&issuer).await;
    let token = key.token(&claims());
    let waiting = join_all((0..20).map(|_| ask(&server, &token)));
    let release = async {
        eventually("somebody fetches", || async { issuer.fetches() > 0 }).await;
        // The callers are sent before this is: a moment for them to arrive.
        tokio::time::sleep(Duration::from_millis(300)).await;
        issuer.answer(true);
    };
    let (answers, ()) = tokio::join!(waiting, release);
    for answer in answers {
        answer.expect(StatusCode::OK);
    }
    assert!(issuer.fetches() <= 2, "{}", issuer.fetches());
}

#[tokio::test]
async fn an_issuer_that_starts_after_the_server_is_found() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    issuer.answer_with(503, "starting");
    let server = server_of(&issuer).await;
    let token = key.token(&claims());
    let refused = ask(&server, &token).await;
    refused.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    // What needs no keys works meanwhile.
    let shared = ask(&server, &token::of("alice")).await;
    shared.expect(StatusCode::OK);
    issuer.publish(&[&key]);
    eventually("the keys are known", || async {
        ask(&server, &token).await.status == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn issuers_and_audiences_may_be_origins() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    let flags = [
        "--jwks-url",
        &issuer.jwks_url(),
        "--jwt-issuer=https://app.example/",
        "--jwt-audience=https://app.example",
    ];
    let server = TestServer::start_with(BACKEND, &flags).await;
    let token = |iss: &str, aud: Value| {
        key.token(&json!({"sub": "alice", "exp": in_seconds(60), "iss": iss, "aud": aud}))
    };
    let origin = "https://app.example";
    let good = ask(&server, &token(origin, json!([format!("{origin}/")]))).await;
    good.expect(StatusCode::OK);
    check_refused(&server, &token(origin, json!("https://other.example"))).await;
    check_refused(&server, &token("https://other.example", json!(origin))).await;
    check_refused(&server, &token("https://app.example.evil", json!(origin))).await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_spoil_the_fetch() {
    let key = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&key]).await;
    let server = server_of(&issuer).await;
    let good = ask(&server, &key.token(&claims())).await;
    good.expect(StatusCode::OK);
    let newer = Signer::ed25519("newer");
    issuer.publish(&[&key, &newer]);
    issuer.answer(false);
    let before = issuer.fetches();
    let client = server.client_with(Some(&newer.token(&claims())));
    let leaving = client
        .request(Method::GET, PATH)
        .timeout(Duration::from_millis(500));
    let (left, ()) = tokio::join!(
        leaving.send(),
        eventually("it fetches", || async { issuer.fetches() > before })
    );
    assert!(left.is_err());
    issuer.answer(true);
    let stays = client.get(PATH).await;
    stays.expect(StatusCode::OK);
    assert_eq!(issuer.fetches(), before + 1);
}
