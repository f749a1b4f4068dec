//! Tokens that the server signs itself.

use std::time::Duration;

use chatkit_domain::UserId;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::{
    token_error::{SIGN_IN, TokenError},
    verifier::{SIGN_IN_TTL, VerifierOptions, check_secret},
};

/// A token with which a user can call the API, signed with the shared secret.
///
/// # Errors
/// [`TokenError`]: there is no secret, or signing failed.
pub fn issue_token(
    options: &VerifierOptions,
    user_id: &UserId,
    now: DateTime<Utc>,
    ttl: Duration,
) -> Result<String, TokenError> {
    sign(options, user_id, options.audience.as_deref(), now, ttl)
}

/// A token for a sign-in link. It is valid for ten minutes, and only for `POST /api/session`.
///
/// # Errors
/// [`TokenError`]: there is no secret, or signing failed.
pub fn issue_sign_in_token(
    options: &VerifierOptions,
    user_id: &UserId,
    now: DateTime<Utc>,
) -> Result<String, TokenError> {
    sign(options, user_id, Some(SIGN_IN), now, SIGN_IN_TTL)
}

fn sign(
    options: &VerifierOptions,
    user_id: &UserId,
    audience: Option<&str>,
    now: DateTime<Utc>,
    ttl: Duration,
) -> Result<String, TokenError> {
    let secret = options.secret.as_deref().ok_or(TokenError::NoSecret)?;
    check_secret(secret)?;
    let issued = now.timestamp();
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let mut claims = json!({
        "sub": user_id.as_str(),
        "iat": issued,
        "exp": issued.saturating_add(seconds),
    });
    for (name, value) in [("iss", options.issuer.as_deref()), ("aud", audience)] {
        if let Some(value) = value {
            claims[name] = json!(value);
        }
    }
    encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .map_err(TokenError::Signing)
}
