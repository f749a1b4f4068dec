//! Which tokens hold.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    AuthFailure,
    jwks::{Jwks, JwksUnavailable, Key},
};
use crate::problem::ApiError;

/// How far the clocks of issuer and server may differ, in seconds.
const LEEWAY: f64 = 30.0;

/// Fewest bytes of a shared secret: RFC 7518 section 3.2 asks for the size of the hash.
const MIN_SECRET_BYTES: usize = 32;

/// The audience of tokens that are only good for signing in.
pub(crate) const SIGN_IN: &str = "sign-in";

/// How long a sign-in link is good.
pub(super) const SIGN_IN_TTL: Duration = Duration::from_secs(10 * 60);

/// Which tokens to accept: of a shared secret, of published keys, or of both.
#[derive(Clone, Default)]
pub struct VerifierOptions {
    /// The HS256 secret, at least 32 bytes.
    pub secret: Option<String>,
    /// Where the issuer publishes its keys (RFC 7517 section 5): `EdDSA`, ES256 or RS256.
    pub jwks_url: Option<String>,
    /// The `iss` that tokens must carry.
    pub issuer: Option<String>,
    /// The `aud` that tokens must carry.
    pub audience: Option<String>,
}

/// Checks tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    secret: Option<Key>,
    jwks: Option<Arc<Jwks>>,
    options: Arc<VerifierOptions>,
}

/// Why a verifier or a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is neither a secret nor a place with keys.
    #[error("there is neither a secret nor a URL with keys")]
    NoKey,
    /// There is no secret to sign with.
    #[error("there is no secret to sign with")]
    NoSecret,
    /// The audience is the one of tokens that are only good for signing in.
    #[error("the audience must not be `{SIGN_IN}`, which is kept for sign-in links")]
    ReservedAudience,
    /// The secret is too short to be one.
    #[error("the secret must have at least {MIN_SECRET_BYTES} bytes")]
    ShortSecret,
    /// There is no client to fetch keys with.
    #[error("could not set up fetching keys")]
    Client(#[source] reqwest::Error),
    /// Signing failed.
    #[error("could not sign the token")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

/// The JOSE header of a token (RFC 7515 section 4.1): what of it is used. Keys that it carries or
/// points to (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
struct Header {
    alg: String,
    kid: Option<String>,
}

impl Header {
    fn read(part: &str) -> Result<Self, AuthFailure> {
        let header: Map<String, Value> = read_part(part)?;
        if header.contains_key("crit") {
            // RFC 7515 section 4.1.11: what must be understood, and is not, must be refused.
            return Err(AuthFailure::Invalid("the token has critical extensions"));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
        // RFC 8725 section 3.11: a token of another kind is not one to call with.
        let kind = text("typ").unwrap_or_default().to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !matches!(kind, "" | "jwt" | "at+jwt") {
            return Err(AuthFailure::Invalid("the token is of another kind"));
        }
        Ok(Self {
            alg: text("alg").ok_or(AuthFailure::Invalid("the token has no algorithm"))?,
            kid: text("kid"),
        })
    }
}

impl Verifier {
    /// A verifier of these tokens. Keys of a URL are fetched in the background.
    ///
    /// # Errors
    /// [`TokenError`], but for `NoSecret` and `Signing`.
    ///
    /// # Panics
    /// With a URL of keys, outside of a Tokio runtime.
    pub fn new(options: VerifierOptions) -> Result<Self, TokenError> {
        let audience = options.audience.as_deref();
        if audience.is_some_and(|audience| is_same(audience, SIGN_IN)) {
            return Err(TokenError::ReservedAudience);
        }
        let secret = options.secret.as_deref().map(secret_key).transpose()?;
        let jwks = options.jwks_url.as_deref().map(Jwks::start).transpose()?;
        if secret.is_none() && jwks.is_none() {
            return Err(TokenError::NoKey);
        }
        Ok(Self {
            secret,
            jwks,
            options: Arc::new(options),
        })
    }

    pub(crate) fn options(&self) -> &VerifierOptions {
        &self.options
    }

    /// The claims of a token that holds, for calling the API.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Map<String, Value>, ApiError> {
        let claims = self.signed_claims(token).await?;
        check_times(&claims, now)?;
        self.check_issuer(&claims)?;
        if has_audience(&claims, SIGN_IN) {
            return Err(AuthFailure::Invalid("the token is only good for signing in").into());
        }
        let expected = self.options.audience.as_deref();
        if expected.is_some_and(|audience| !has_audience(&claims, audience)) {
            return Err(AuthFailure::Invalid("the token is for another audience").into());
        }
        Ok(claims)
    }

    /// The claims of a token that is good for signing in: one that was made here, or with the
    /// same secret. What it is given for is signed with that too.
    pub(crate) fn verify_sign_in(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Map<String, Value>, ApiError> {
        let Some(secret) = &self.secret else {
            return Err(ApiError::NotConfigured);
        };
        let claims = Signed::parse(token)?.claims(secret)?;
        check_times(&claims, now)?;
        self.check_issuer(&claims)?;
        let exp = claims
            .get("exp")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        let is_short = exp - seconds(now) <= SIGN_IN_TTL.as_secs_f64() + LEEWAY;
        if claims.get("aud").and_then(Value::as_str) != Some(SIGN_IN) || !is_short {
            return Err(AuthFailure::Invalid("the token is not one for signing in").into());
        }
        Ok(claims)
    }

    /// The claims of a token whose signature holds.
    async fn signed_claims(&self, token: &str) -> Result<Map<String, Value>, ApiError> {
        let signed = Signed::parse(token)?;
        let key = self.key(&signed.header).await?;
        Ok(signed.claims(&key)?)
    }

    /// The key that a token must be signed with: the secret for its algorithm, one of the
    /// published keys for all others.
    async fn key(&self, header: &Header) -> Result<Key, ApiError> {
        if header.alg == "HS256" {
            let secret = self.secret.clone();
            return secret.ok_or_else(|| {
                AuthFailure::Invalid("tokens signed with a secret are not accepted").into()
            });
        }
        let is_used = matches!(header.alg.as_str(), "EdDSA" | "Ed25519" | "ES256" | "RS256");
        let Some(jwks) = self.jwks.as_ref().filter(|_| is_used) else {
            return Err(AuthFailure::Invalid("the token's algorithm is not accepted").into());
        };
        let Some(kid) = &header.kid else {
            return Err(AuthFailure::Invalid("the token does not name its key").into());
        };
        match jwks.key(kid).await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(AuthFailure::Invalid("the token's key is unknown").into()),
            Err(JwksUnavailable) => Err(ApiError::Unavailable(Box::new(JwksUnavailable))),
        }
    }

    fn check_issuer(&self, claims: &Map<String, Value>) -> Result<(), AuthFailure> {
        let Some(expected) = &self.options.issuer else {
            return Ok(());
        };
        let issuer = claims.get("iss").and_then(Value::as_str);
        if issuer.is_some_and(|issuer| is_same(issuer, expected)) {
            Ok(())
        } else {
            Err(AuthFailure::Invalid("the token is of another issuer"))
        }
    }
}

/// A token in its parts (RFC 7515 section 7.1).
struct Signed<'a> {
    header: Header,
    /// What is signed.
    message: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn parse(token: &'a str) -> Result<Self, AuthFailure> {
        let parts: Vec<&str> = token.split('.').collect();
        let (header, claims, signature) = match parts.as_slice() {
            [header, claims, signature] => (*header, *claims, *signature),
            [_, _] => return Err(AuthFailure::SESSION_TOKEN),
            _ => return Err(AuthFailure::Invalid("the token is not a JWT")),
        };
        let message = &token[..header.len() + 1 + claims.len()];
        let header = Header::read(header)?;
        Ok(Self {
            header,
            message,
            claims,
            signature,
        })
    }

    /// The claims, if this key signed them by its algorithm.
    fn claims(&self, key: &Key) -> Result<Map<String, Value>, AuthFailure> {
        if !key.is_for(&self.header.alg) {
            return Err(AuthFailure::Invalid(
                "the token's algorithm is not its key's",
            ));
        }
        let message = self.message.as_bytes();
        match crypto::verify(self.signature, message, &key.key, key.algorithm) {
            Ok(true) => read_part(self.claims),
            _ => Err(AuthFailure::Invalid("the token's signature does not hold")),
        }
    }
}

fn secret_key(secret: &str) -> Result<Key, TokenError> {
    check_secret(secret)?;
    Ok(Key::new(
        DecodingKey::from_secret(secret.as_bytes()),
        Algorithm::HS256,
    ))
}

pub(super) fn check_secret(secret: &str) -> Result<(), TokenError> {
    if secret.len() < MIN_SECRET_BYTES {
        return Err(TokenError::ShortSecret);
    }
    Ok(())
}

/// A part of a token: JSON in base64url without padding (RFC 7515 section 2).
fn read_part<T: DeserializeOwned>(part: &str) -> Result<T, AuthFailure> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD.decode(part).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(AuthFailure::Invalid("the token is not a JWT"))
}

/// `exp` and `nbf` (RFC 7519 section 4.1): numbers of seconds, not necessarily whole.
fn check_times(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(), AuthFailure> {
    let now = seconds(now);
    let exp = claims.get("exp").and_then(Value::as_f64);
    let exp = exp.ok_or(AuthFailure::Invalid(
        "the token does not say when it expires",
    ))?;
    if exp + LEEWAY <= now {
        return Err(AuthFailure::Expired);
    }
    match claims.get("nbf") {
        None => Ok(()),
        Some(nbf) if nbf.as_f64().is_some_and(|nbf| nbf <= now + LEEWAY) => Ok(()),
        Some(_) => Err(AuthFailure::Invalid("the token is not valid yet")),
    }
}

fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1_000.0
}

/// Whether a token is for this audience: `aud` is a string or a list of them.
fn has_audience(claims: &Map<String, Value>, expected: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => is_same(audience, expected),
        Some(Value::Array(audiences)) => audiences
            .iter()
            .filter_map(Value::as_str)
            .any(|audience| is_same(audience, expected)),
        _ => false,
    }
}

/// Issuers and audiences are often origins, which people write with and without a slash.
fn is_same(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}

impl fmt::Debug for VerifierOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifierOptions")
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .field("jwks_url", &self.jwks_url)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Verifier")
            .field(&self.options)
            .finish()
    }
}
