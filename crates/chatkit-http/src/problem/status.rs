//! The status, the code, the sentence and the headers of each error.

use std::fmt;

use chatkit_domain::{Resource, RunError, RunErrorCode};
use poem::http::{HeaderMap, StatusCode, header};

use super::error::{ApiError, FailedRun, FieldError};

/// Seconds after which to retry, unless the model's server named a time.
const RETRY_AFTER_SECONDS: u64 = 2;

/// The code of a resource that was not found.
const fn code_of(resource: Resource) -> &'static str {
    match resource {
        Resource::Conversation => "conversation_not_found",
        Resource::Message => "message_not_found",
        Resource::Run => "run_not_found",
        Resource::Task => "task_not_found",
    }
}

const fn detail_of(resource: Resource) -> &'static str {
    match resource {
        Resource::Conversation => "Conversation not found",
        Resource::Message => "Message not found",
        Resource::Run => "Run not found",
        Resource::Task => "Task not found",
    }
}

impl ApiError {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::UnreadableBody(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::OtherUser | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::RouteNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::RunActive(_) | Self::RunCancelled(_) => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::WrongMessage | Self::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyRuns => StatusCode::TOO_MANY_REQUESTS,
            Self::RunFailed(failed) => status_of_failed_run(failed.code),
            Self::Draining | Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotConfigured | Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The kind of problem, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnreadableBody(_) => "unreadable_body",
            Self::Unauthorized { .. } => "unauthorized",
            Self::OtherUser => "other_user",
            Self::ForeignOrigin => "foreign_origin",
            Self::NotFound(resource) => code_of(*resource),
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::RunActive(_) => "run_active",
            Self::TooManyRuns => "too_many_runs",
            Self::Busy => "busy",
            Self::WrongMessage => "wrong_message",
            Self::KeyReused => "idempotency_key_reused",
            Self::RunCancelled(_) => "run_cancelled",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid(_) => "invalid_value",
            Self::RunFailed(failed) => failed.code.as_str(),
            Self::Draining => "draining",
            Self::Unavailable(_) => "unavailable",
            Self::NotConfigured => "not_configured",
            Self::NotImplemented(_) => "not_implemented",
            Self::Internal(_) => "internal_error",
        }
    }

    /// One plain sentence for the caller.
    pub(crate) fn detail(&self) -> String {
        let detail = match self {
            Self::UnreadableBody(reason) => {
                return format!("The body could not be read: {reason}");
            }
            Self::Invalid(errors) => return first_sentence(errors),
            Self::RunFailed(failed) => return sentence_of_failed_run(failed),
            Self::NotAcceptable(offered) => return not_acceptable(offered),
            Self::NotImplemented(what) => {
                return format!("This server does not implement {what} yet");
            }
            Self::Unauthorized { detail, .. } => detail,
            Self::OtherUser => "You are signed in as a different user than this request expects",
            Self::ForeignOrigin => "Pages of this origin may not act for a signed-in user",
            Self::NotFound(resource) => detail_of(*resource),
            Self::RouteNotFound => "There is nothing at this path",
            Self::MethodNotAllowed { .. } => "This path does not have this method",
            Self::RunActive(_) => "The assistant is still answering in this conversation",
            Self::RunCancelled(_) => "The answer was stopped before it contained any text",
            Self::TooManyRuns => "You have too many active answers; wait for one to end",
            Self::Busy => "The server has too many active answers; try again",
            Self::WrongMessage => {
                "Only a user's message can be answered again, and only an assistant's rated"
            }
            Self::KeyReused => "The idempotency key was used for another request",
            Self::PayloadTooLarge => "The body is larger than 1 MiB",
            Self::UnsupportedMediaType => "The body must be application/json",
            Self::Draining => "The server is stopping; try again",
            Self::Unavailable(_) => "The server is busy; try again",
            Self::NotConfigured => "The server is not configured for this",
            Self::Internal(_) => "The server failed to answer",
        };
        detail.to_owned()
    }

    /// Sets the headers that belong to the error.
    pub(crate) fn set_headers(&self, headers: &mut HeaderMap) {
        let status = self.status();
        let mut set = |name, value: String| {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        };
        match self {
            Self::Unauthorized { challenge, .. } => {
                set(header::WWW_AUTHENTICATE, challenge.clone());
            }
            Self::MethodNotAllowed { allow } => set(header::ALLOW, allow.clone()),
            _ if matches!(
                status,
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
            ) =>
            {
                set(header::RETRY_AFTER, self.retry_after().to_string());
            }
            _ => {}
        }
    }

    /// Seconds after which to retry.
    fn retry_after(&self) -> u64 {
        let asked = match self {
            Self::RunFailed(failed) => failed.details.retry_after,
            _ => None,
        };
        let seconds = asked.map(|wait| wait.as_secs_f64().ceil() as u64);
        seconds.unwrap_or(RETRY_AFTER_SECONDS)
    }
}

const fn status_of_failed_run(code: RunErrorCode) -> StatusCode {
    match code {
        RunErrorCode::ModelFailed
        | RunErrorCode::ModelUnavailable
        | RunErrorCode::ContextTooLong
        | RunErrorCode::ContentFiltered
        | RunErrorCode::TooManyToolRounds
        | RunErrorCode::AnswerTooLong
        | RunErrorCode::Refused => StatusCode::BAD_GATEWAY,
        RunErrorCode::ModelTimeout => StatusCode::GATEWAY_TIMEOUT,
        RunErrorCode::ModelOverloaded | RunErrorCode::Unavailable | RunErrorCode::Interrupted => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        RunErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn sentence_of_failed_run(failed: &FailedRun) -> String {
    match &failed.run.error {
        Some(error) => error.message.clone(),
        None => RunError::new(failed.code).message,
    }
}

fn first_sentence(errors: &[FieldError]) -> String {
    errors.first().map_or_else(
        || "A value breaks its rules".to_owned(),
        |error| match error.path.as_str() {
            "." | "" => format!("The body {}", error.message),
            path => format!("{path}: {}", error.message),
        },
    )
}

fn not_acceptable(offered: &[&str]) -> String {
    let offered = offered.join(" or ");
    format!("The response would be {offered}, which the Accept header excludes")
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail())
    }
}

impl std::error::Error for ApiError {}
