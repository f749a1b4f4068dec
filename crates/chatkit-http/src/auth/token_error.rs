//! Errors of verifiers and of issued tokens.

/// The reason why a verifier or a token could not be created.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is neither a secret nor a URL of keys.
    #[error("there is neither a secret nor a URL with keys")]
    NoKey,
    /// There is no secret to sign with.
    #[error("there is no secret to sign with")]
    NoSecret,
    /// The audience is reserved for sign-in links.
    #[error("the audience must not be `{SIGN_IN}`, which is reserved for sign-in links")]
    ReservedAudience,
    /// The secret is too short.
    #[error("the secret must have at least {MIN_SECRET_BYTES} bytes")]
    ShortSecret,
    /// The HTTP client that fetches keys could not be created.
    #[error("could not set up fetching keys")]
    Client(#[source] reqwest::Error),
    /// Signing failed.
    #[error("could not sign the token")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

/// The audience of sign-in tokens.
pub(super) const SIGN_IN: &str = "sign-in";

/// The smallest size of a shared secret in bytes: the size of the hash (RFC 7518 section 3.2).
pub(super) const MIN_SECRET_BYTES: usize = 32;
