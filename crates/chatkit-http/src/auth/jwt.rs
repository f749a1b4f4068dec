//! Finds callers by JSON Web Tokens, in a header or in a cookie.

use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::{Caller, Clock};
use poem::http::request::Parts;

use super::{
    authenticator::Authenticator,
    bearer,
    cookie::{self, TrustedOrigins},
    failure::AuthFailure,
    verifier::Verifier,
};

/// Accepts the tokens of a [`Verifier`]: in an `Authorization` header, else in the cookie
/// `auth_token`.
///
/// If a request changes something and is authenticated by the cookie, it must come from a page of
/// the server itself (`Sec-Fetch-Site: same-origin`) or of a trusted origin.
#[derive(Clone, Debug)]
pub struct JwtAuthenticator {
    verifier: Verifier,
    trusted: TrustedOrigins,
    clock: Arc<dyn Clock>,
}

impl JwtAuthenticator {
    /// An authenticator for the tokens of this verifier. It trusts no other origin.
    #[must_use]
    pub fn new(verifier: Verifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            verifier,
            trusted: TrustedOrigins::default(),
            clock,
        }
    }

    /// Origins whose pages may use the cookie, exactly as browsers send them: the public URL of
    /// the server, and those in `cors_origins`.
    #[must_use]
    pub fn with_trusted_origins(mut self, origins: impl IntoIterator<Item = String>) -> Self {
        self.trusted = origins.into_iter().collect();
        self
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn caller(&self, parts: &Parts) -> Result<Caller, AuthFailure> {
        let (token, by_cookie) = match bearer::token(&parts.headers)? {
            Some(token) => (token, false),
            None => (
                cookie::token(&parts.headers).ok_or(AuthFailure::Missing)?,
                true,
            ),
        };
        let user_id = self.verifier.verify(token, self.clock.now()).await?;
        if by_cookie && !self.trusted.may_send(&parts.method, &parts.headers) {
            return Err(AuthFailure::ForeignOrigin);
        }
        Ok(Caller::new(user_id))
    }
}
