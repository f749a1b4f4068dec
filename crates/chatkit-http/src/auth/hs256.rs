//! Tokens signed with a shared secret.

use std::{fmt, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
};
use serde_json::{Map, Value, json};

use super::AuthFailure;

/// How far the clocks of issuer and server may differ.
const LEEWAY_SECONDS: u64 = 30;

/// Fewest bytes of a shared secret: RFC 7518 section 3.2 asks for the size of the hash.
const MIN_SECRET_BYTES: usize = 32;

/// What tokens must satisfy.
#[derive(Clone)]
pub struct VerifierOptions {
    /// The HS256 secret, at least 32 bytes.
    pub secret: String,
    /// The `iss` that tokens must carry.
    pub issuer: Option<String>,
    /// The `aud` that tokens must carry.
    pub audience: Option<String>,
}

/// Checks tokens.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

/// Why a verifier or a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The secret is too short to be one.
    #[error("the secret must have at least {MIN_SECRET_BYTES} bytes")]
    ShortSecret,
    /// Signing failed.
    #[error("could not sign the token")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

impl Verifier {
    /// A verifier of tokens signed with a shared secret.
    ///
    /// # Errors
    /// [`TokenError::ShortSecret`].
    pub fn new(options: VerifierOptions) -> Result<Self, TokenError> {
        check_secret(&options.secret)?;
        // The algorithm is the key's, never the token's.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.validate_aud = options.audience.is_some();
        let mut required = vec!["exp"];
        if let Some(issuer) = &options.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &options.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Ok(Self {
            key: DecodingKey::from_secret(options.secret.as_bytes()),
            validation,
        })
    }

    /// The claims of a token that holds.
    pub(super) fn verify(&self, token: &str) -> Result<Map<String, Value>, AuthFailure> {
        decode(token, &self.key, &self.validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => AuthFailure::Expired,
                _ => AuthFailure::Invalid,
            })
    }
}

/// A token for a user, signed with the shared secret.
///
/// # Errors
/// [`TokenError`].
pub fn issue_token(
    options: &VerifierOptions,
    user_id: &chatkit_domain::UserId,
    now: chrono::DateTime<chrono::Utc>,
    ttl: Duration,
) -> Result<String, TokenError> {
    check_secret(&options.secret)?;
    let issued = now.timestamp();
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let mut claims = json!({
        "sub": user_id.as_str(),
        "iat": issued,
        "exp": issued.saturating_add(seconds),
    });
    for (name, value) in [("iss", &options.issuer), ("aud", &options.audience)] {
        if let Some(value) = value {
            claims[name] = json!(value);
        }
    }
    encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(options.secret.as_bytes()),
    )
    .map_err(TokenError::Signing)
}

fn check_secret(secret: &str) -> Result<(), TokenError> {
    if secret.len() < MIN_SECRET_BYTES {
        return Err(TokenError::ShortSecret);
    }
    Ok(())
}

impl fmt::Debug for VerifierOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifierOptions")
            .field("secret", &"…")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("issuer", &self.validation.iss)
            .field("audience", &self.validation.aud)
            .finish_non_exhaustive()
    }
}
