//! Valid and invalid tokens.

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// The secret of every test server.
pub const SECRET: &str = "a-secret-of-the-tests-0123456789abcdef";

/// A valid token of a user.
#[must_use]
pub fn of(user: &str) -> String {
    signed(&json!({"sub": user, "exp": in_seconds(3_600)}), SECRET)
}

/// A token with these claims, signed with this secret.
///
/// # Panics
/// When signing fails.
#[must_use]
pub fn signed(claims: &Value, secret: &str) -> String {
    signed_as(Algorithm::HS256, claims, secret)
}

/// A token with these claims, signed with this secret by this algorithm of the HMAC family.
///
/// # Panics
/// When signing fails.
#[must_use]
pub fn signed_as(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// The time after so many seconds, in the format of claims.
#[must_use]
pub fn in_seconds(seconds: i64) -> i64 {
    Utc::now().timestamp() + seconds
}
