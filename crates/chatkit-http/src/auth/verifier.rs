//! Verifies tokens.

use std::{fmt, sync::Arc, time::Duration};

use chatkit_domain::UserId;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    claims::{LEEWAY, check_times, has_audience, is_same, seconds, user_id},
    failure::{AuthFailure, JwksUnavailable},
    jwks::{Jwks, Key},
    token_error::{MIN_SECRET_BYTES, SIGN_IN, TokenError},
};

/// How long a sign-in link is valid.
pub(super) const SIGN_IN_TTL: Duration = Duration::from_secs(10 * 60);

/// The reason for tokens of two parts: Better Auth stores such tokens in its session cookie, and
/// its bearer plugin returns them.
const SESSION_TOKEN: &str =
    "this looks like a Better Auth session token, not a JWT: get one from /api/auth/token";

/// The tokens to accept: those of a shared secret, of published keys, or of both.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct VerifierOptions {
    /// The HS256 secret, at least 32 bytes.
    pub secret: Option<String>,
    /// The URL of the issuer's keys (RFC 7517 section 5): `EdDSA`, ES256 or RS256.
    pub jwks_url: Option<String>,
    /// The `iss` that tokens must have.
    pub issuer: Option<String>,
    /// The `aud` that tokens must have.
    pub audience: Option<String>,
}

impl VerifierOptions {
    /// Options that accept no token yet: add a secret, a URL of keys, or both.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts tokens that are signed with this HS256 secret, at least 32 bytes.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Accepts tokens that are signed with the keys at this URL (RFC 7517 section 5).
    #[must_use]
    pub fn with_jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// Accepts only tokens with this `iss`.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Accepts only tokens with this `aud`.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }
}

/// Checks tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    secret: Option<Key>,
    jwks: Option<Arc<Jwks>>,
    options: Arc<VerifierOptions>,
}

/// The used members of a token's JOSE header (RFC 7515 section 4.1). Keys that the header contains
/// or points to (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
struct Header {
    alg: String,
    kid: Option<String>,
}

impl Header {
    fn read(part: &str) -> Result<Self, AuthFailure> {
        let header: Map<String, Value> = read_part(part)?;
        if header.contains_key("crit") {
            // RFC 7515 section 4.1.11: a token with unknown critical extensions must be refused.
            return Err(AuthFailure::invalid("the token has critical extensions"));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
        // RFC 8725 section 3.11: tokens of other kinds must not be accepted.
        let kind = text("typ").unwrap_or_default().to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !matches!(kind, "" | "jwt" | "at+jwt") {
            return Err(AuthFailure::invalid("the token is of another kind"));
        }
        Ok(Self {
            alg: text("alg").ok_or_else(|| AuthFailure::invalid("the token has no algorithm"))?,
            kid: text("kid"),
        })
    }
}

impl Verifier {
    /// A verifier for these tokens. It fetches the keys of a URL in the background.
    ///
    /// # Errors
    /// Any [`TokenError`] except `NoSecret` and `Signing`.
    ///
    /// # Panics
    /// If the options have a URL of keys and there is no Tokio runtime.
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

    /// The user of a token that is valid for calling the API.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<UserId, AuthFailure> {
        let claims = self.signed_claims(token).await?;
        check_times(&claims, now)?;
        self.check_issuer(&claims)?;
        if has_audience(&claims, SIGN_IN) {
            return Err(AuthFailure::invalid(
                "the token is only valid for signing in",
            ));
        }
        let expected = self.options.audience.as_deref();
        if expected.is_some_and(|audience| !has_audience(&claims, audience)) {
            return Err(AuthFailure::invalid("the token is for another audience"));
        }
        user_id(&claims)
    }

    /// The user of a sign-in token. Only the shared secret can sign such a token, because the
    /// session's token is signed with the secret, too. Returns `None` if there is no secret.
    pub(crate) fn verify_sign_in(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Option<Result<UserId, AuthFailure>> {
        let secret = self.secret.as_ref()?;
        Some(self.sign_in_user(token, secret, now))
    }

    fn sign_in_user(
        &self,
        token: &str,
        secret: &Key,
        now: DateTime<Utc>,
    ) -> Result<UserId, AuthFailure> {
        let claims = Signed::parse(token)?.claims(secret)?;
        check_times(&claims, now)?;
        self.check_issuer(&claims)?;
        let exp = claims
            .get("exp")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        let is_short = exp - seconds(now) <= SIGN_IN_TTL.as_secs_f64() + LEEWAY;
        if claims.get("aud").and_then(Value::as_str) != Some(SIGN_IN) || !is_short {
            return Err(AuthFailure::invalid(
                "the token is not valid for signing in",
            ));
        }
        user_id(&claims)
    }

    /// The claims of a token with a valid signature.
    async fn signed_claims(&self, token: &str) -> Result<Map<String, Value>, AuthFailure> {
        let signed = Signed::parse(token)?;
        let key = self.key(&signed.header).await?;
        signed.claims(&key)
    }

    /// The key that must have signed a token: the secret for HS256, a published key for all other
    /// algorithms.
    async fn key(&self, header: &Header) -> Result<Key, AuthFailure> {
        if header.alg == "HS256" {
            let secret = self.secret.clone();
            return secret.ok_or_else(|| {
                AuthFailure::invalid("tokens signed with a secret are not accepted")
            });
        }
        let is_used = matches!(header.alg.as_str(), "EdDSA" | "Ed25519" | "ES256" | "RS256");
        let Some(jwks) = self.jwks.as_ref().filter(|_| is_used) else {
            return Err(AuthFailure::invalid(
                "the token's algorithm is not accepted",
            ));
        };
        let Some(kid) = &header.kid else {
            return Err(AuthFailure::invalid("the token does not name its key"));
        };
        match jwks.key(kid).await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(AuthFailure::invalid("the token's key is unknown")),
            Err(JwksUnavailable) => Err(AuthFailure::Unavailable(Box::new(JwksUnavailable))),
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
            Err(AuthFailure::invalid("the token is of another issuer"))
        }
    }
}

/// A token in its parts (RFC 7515 section 7.1).
struct Signed<'a> {
    header: Header,
    /// The signed text.
    message: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn parse(token: &'a str) -> Result<Self, AuthFailure> {
        let parts: Vec<&str> = token.split('.').collect();
        let (header, claims, signature) = match parts.as_slice() {
            [header, claims, signature] => (*header, *claims, *signature),
            [_, _] => return Err(AuthFailure::invalid(SESSION_TOKEN)),
            _ => return Err(AuthFailure::invalid("the token is not a JWT")),
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

    /// The claims, if this key signed them with its own algorithm.
    fn claims(&self, key: &Key) -> Result<Map<String, Value>, AuthFailure> {
        if !key.is_for(&self.header.alg) {
            return Err(AuthFailure::invalid(
                "the token's algorithm is not its key's",
            ));
        }
        let message = self.message.as_bytes();
        match crypto::verify(self.signature, message, &key.key, key.algorithm) {
            Ok(true) => read_part(self.claims),
            _ => Err(AuthFailure::invalid("the token's signature does not hold")),
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
        .ok_or_else(|| AuthFailure::invalid("the token is not a JWT"))
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
