//! The Better Auth that other tests sign in with issues what they think it does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use chatkit_tests::{BetterAuth, SignedIn};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header, errors::Result, jwk::JwkSet,
};
use serde_json::Value;

/// Checks a JWT with the published key that its header names, and returns both.
async fn verified(auth: &BetterAuth, token: &str) -> Result<(Header, Value)> {
    let keys = reqwest::get(auth.jwks_url()).await.unwrap();
    let keys: JwkSet = keys.json().await.unwrap();
    let header = decode_header(token)?;
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[auth.issuer()]);
    validation.set_audience(&[auth.issuer()]);
    let claims = decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
    Ok((header, claims))
}

/// Starts one with these flags and checks a token of a user who signs up.
async fn issues(flags: &[&str], algorithm: Algorithm) -> (BetterAuth, SignedIn) {
    let auth = BetterAuth::start_with(flags).await;
    let alice = auth.sign_up("alice@example.com").await;
    let (header, claims) = verified(&auth, &alice.token().await).await.unwrap();
    assert_eq!(header.alg, algorithm);
    assert_eq!(claims["sub"], alice.user_id());
    (auth, alice)
}

#[tokio::test]
async fn it_signs_with_a_published_key_by_the_algorithm_that_it_is_told() {
    issues(&[], Algorithm::EdDSA).await;
    issues(&["--alg=ES256"], Algorithm::ES256).await;
    issues(&["--alg=RS256"], Algorithm::RS256).await;
}

#[tokio::test]
async fn the_key_changes_and_the_old_one_stays_published() {
    let (auth, alice) = issues(&["--rotation-interval=1"], Algorithm::EdDSA).await;
    let old = alice.token().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let new = alice.token().await;
    let (old, _) = verified(&auth, &old).await.unwrap();
    let (new, _) = verified(&auth, &new).await.unwrap();
    assert_ne!(old.kid, new.kid);
}

#[tokio::test]
async fn another_one_has_other_keys() {
    let auth = BetterAuth::start().await;
    let other = BetterAuth::start().await;
    let token = other.sign_up("alice@example.com").await.token().await;
    let keys = reqwest::get(auth.jwks_url()).await.unwrap();
    let keys: JwkSet = keys.json().await.unwrap();
    let kid = decode_header(&token).unwrap().kid.unwrap();
    assert!(keys.find(&kid).is_none());
}

#[tokio::test]
async fn a_session_token_is_opaque_and_signed() {
    let auth = BetterAuth::start().await;
    let alice = auth.sign_up("alice@example.com").await;
    let (token, signature) = alice.session_token().split_once('.').unwrap();
    assert!(!token.is_empty() && !signature.is_empty());
    assert!(decode_header(alice.session_token()).is_err());
}
