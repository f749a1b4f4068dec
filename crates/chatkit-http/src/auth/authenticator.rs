//! The port through which the API finds its callers.

use std::fmt;

use async_trait::async_trait;
use chatkit_domain::Caller;
use poem::http::request::Parts;

use super::failure::AuthFailure;

/// Finds out which user sends a request.
///
/// A service that embeds the server can bring its own, for example one that reads the service's
/// session. [`JwtAuthenticator`](super::jwt::JwtAuthenticator) reads JSON Web Tokens.
///
/// The server checks `X-Expected-User` itself, for every authenticator.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// The user who sends the request with this head.
    ///
    /// `parts` has the extensions that the embedding service set, if it calls the server as a
    /// `tower` service.
    ///
    /// Browsers add some credentials to the requests of any page: cookies, and also the headers of
    /// a proxy that reads cookies. An authenticator that accepts these must refuse the requests of
    /// foreign pages that change something, with [`AuthFailure::ForeignOrigin`].
    /// [`TrustedOrigins`](super::cookie::TrustedOrigins) checks that.
    ///
    /// # Errors
    /// [`AuthFailure`], if the request has no caller.
    async fn caller(&self, parts: &Parts) -> Result<Caller, AuthFailure>;
}
