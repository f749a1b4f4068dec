//! The reasons why a request is refused or fails.

use std::{borrow::Cow, error::Error, fmt};

use chatkit_agent::FailureDetails;
use chatkit_domain::{Resource, Run, RunErrorCode, RunId};
use poem_openapi::Object;
use serde::Serialize;

use crate::auth::failure::JwksUnavailable;

/// The reason why a request is refused or fails.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The body cannot be read, for this reason.
    UnreadableBody(Cow<'static, str>),
    /// The caller is not known.
    Unauthorized {
        /// A sentence for the caller.
        detail: &'static str,
        /// The value of `WWW-Authenticate`.
        challenge: String,
    },
    /// The caller is another user than the path or `X-Expected-User` names.
    OtherUser,
    /// A page of an untrusted origin sent the cookie.
    ForeignOrigin,
    /// The caller has no such resource.
    NotFound(Resource),
    /// There is nothing at the path.
    RouteNotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed {
        /// The methods that the path has.
        allow: String,
    },
    /// The caller accepts none of these media types, which the response could have.
    NotAcceptable(&'static [&'static str]),
    /// Another run is active in the conversation.
    RunActive(RunId),
    /// The user has too many active runs.
    TooManyRuns,
    /// The process has too many active runs.
    Busy,
    /// The message has the wrong role for this operation.
    WrongMessage,
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The run was stopped before it produced any text.
    RunCancelled(Box<Run>),
    /// The body is too large.
    PayloadTooLarge,
    /// The body's content type is not JSON.
    UnsupportedMediaType,
    /// Values break their rules.
    Invalid(Vec<FieldError>),
    /// The user's message is stored, but the run failed.
    RunFailed(Box<FailedRun>),
    /// The server is stopping.
    Draining,
    /// The database, or another dependency, is busy or unreachable.
    Unavailable(Cause),
    /// The server lacks the configuration for this operation.
    NotConfigured,
    /// The server does not implement this part of a protocol.
    NotImplemented(&'static str),
    /// A bug.
    Internal(Cause),
}

/// A failed run, with details that help its caller to retry.
#[derive(Clone, Debug)]
pub(crate) struct FailedRun {
    pub(crate) run: Run,
    pub(crate) code: RunErrorCode,
    pub(crate) details: FailureDetails,
}

/// The underlying error. It is logged and never sent to the caller.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// A value that breaks its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub(crate) struct FieldError {
    /// The path of the value in the body, such as `title`, or the name of the parameter. The body
    /// itself is `.`.
    pub(crate) path: String,
    /// The rule that the value breaks, such as `must be a string`.
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(path: &str, message: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }
}

impl ApiError {
    /// A run whose end this process does not know.
    pub(crate) fn interrupted(run: Run) -> Self {
        // Nor does it know whether the run stored an answer.
        let run = Run {
            assistant_message_id: None,
            ..run
        };
        Self::RunFailed(Box::new(FailedRun {
            run,
            code: RunErrorCode::Interrupted,
            details: FailureDetails::default(),
        }))
    }

    pub(crate) fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    pub(crate) fn invalid(path: &str, message: impl fmt::Display) -> Self {
        Self::Invalid(vec![FieldError::new(path, message)])
    }

    /// Logs the cause that the caller does not see. Called once, where the error is answered.
    pub(crate) fn report(&self) {
        match self {
            // The task that fetches the keys logs it once for all callers.
            Self::Unavailable(cause) if cause.is::<JwksUnavailable>() => {}
            Self::Unavailable(cause) => tracing::warn!(
                error = cause.as_ref() as &dyn Error,
                "a dependency is unavailable"
            ),
            Self::Internal(cause) => tracing::error!(
                error = cause.as_ref() as &dyn Error,
                "could not answer a request"
            ),
            _ => {}
        }
    }
}
