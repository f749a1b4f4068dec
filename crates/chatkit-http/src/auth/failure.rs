//! The reasons why a request has no caller.

use std::borrow::Cow;

use chatkit_domain::InvalidValue;

/// The reason why an authenticator names no caller.
#[derive(Debug, thiserror::Error)]
pub enum AuthFailure {
    /// The request carries no credentials. The response is a 401.
    #[error("the request carries no credentials")]
    Missing,
    /// The credentials were valid once. The response is a 401.
    #[error("the credentials have expired")]
    Expired,
    /// The credentials are not accepted, for this reason. The response is a 401 whose
    /// `WWW-Authenticate` header contains the reason.
    #[error("the credentials are not accepted: {0}")]
    Invalid(Cow<'static, str>),
    /// A page of an untrusted origin used credentials that a browser sends by itself, such as a
    /// cookie. The response is a 403.
    #[error("a page of an untrusted origin sent the request")]
    ForeignOrigin,
    /// The credentials cannot be checked now. The response is a 503, and the cause is logged.
    #[error("the credentials cannot be checked now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthFailure {
    /// Credentials that are not accepted, for this reason.
    pub fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(reason.into())
    }
}

impl From<InvalidValue> for AuthFailure {
    /// The credentials name a value that breaks a rule, such as a blank user id.
    fn from(error: InvalidValue) -> Self {
        Self::invalid(format!("a value of the credentials {error}"))
    }
}

/// No keys could be fetched so far.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys could not be fetched")]
pub(crate) struct JwksUnavailable;
