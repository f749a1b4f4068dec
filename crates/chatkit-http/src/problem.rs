//! What a caller is told when something goes wrong. The only place where a status is chosen.

use std::fmt;

use chatkit_agent::{AgentError, FailureDetails};
use chatkit_domain::{RepositoryError, Run, RunError, RunErrorCode, RunId};
use poem::{
    Response,
    http::{HeaderMap, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    payload::Payload,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    auth::{AuthFailure, JwksUnavailable},
    payload::Json,
};

/// When to try again, in seconds, where nobody knows better.
const RETRY_AFTER_SECONDS: u64 = 2;

/// The media type of RFC 9457.
const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The body could not be read; the text says why.
    UnreadableBody(String),
    /// Nobody is known to be calling.
    Unauthorized(AuthFailure),
    /// The caller may not act for this user, or is not the one that is expected.
    OtherUser,
    /// The caller is known by a cookie, which a page of another origin may have used.
    ForeignOrigin,
    /// There is no such thing for this caller.
    NotFound(Resource),
    /// The path exists, but not with this method.
    MethodNotAllowed {
        /// The methods that it has.
        allow: String,
    },
    /// The caller accepts nothing that the server could send.
    NotAcceptable,
    /// The conversation is busy.
    RunActive(RunId),
    /// The user has too many active runs.
    TooManyRuns,
    /// The process has too many active runs.
    Busy,
    /// What should be answered again, or rated, is not the kind of message that can be.
    WrongMessage,
    /// The idempotency key stands for another request.
    KeyReused,
    /// The run was stopped before it had said anything.
    RunCancelled(Box<Run>),
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    /// Values break their rules.
    Invalid(Vec<FieldError>),
    /// The user's message is kept, the answer failed.
    RunFailed(Box<FailedRun>),
    /// The server is stopping.
    Draining,
    /// The database, or what else is needed, is busy or gone.
    Unavailable(Cause),
    /// The server is not set up for this.
    NotConfigured,
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

/// What went wrong underneath; it goes to the log and never to the caller.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What could not be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Conversation,
    Message,
    Run,
    Route,
}

/// A value that breaks its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub(crate) struct FieldError {
    /// Where it stands: a member of the body, or the name of a parameter.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// A problem (RFC 9457).
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` tells the kinds of problems apart.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    /// The name of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What went wrong, in one plain sentence that may be shown to a user.
    detail: String,
    /// What kind of problem it is, for programs.
    code: String,
    /// The request's id, as in `X-Request-Id`.
    request_id: String,
    /// The values that break their rules, for status 422.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    errors: Option<Vec<FieldError>>,
    /// The run that the conversation is busy with, for code `run_active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    active_run_id: Option<Uuid>,
    /// The conversation, once the user's message is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    conversation_id: Option<Uuid>,
    /// The user's message, once it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    user_message_id: Option<Uuid>,
    /// The run, once the user's message is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    run_id: Option<Uuid>,
    /// The part of the answer that was stored before the run failed, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    assistant_message_id: Option<Uuid>,
}

impl Resource {
    const fn code(self) -> &'static str {
        match self {
            Self::Conversation => "conversation_not_found",
            Self::Message => "message_not_found",
            Self::Run => "run_not_found",
            Self::Route => "route_not_found",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::Conversation => "Conversation not found",
            Self::Message => "Message not found",
            Self::Run => "Run not found",
            Self::Route => "There is nothing at this path",
        }
    }
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
    /// A run whose end is not known here.
    pub(crate) fn interrupted(run: Run) -> Self {
        // This process does not know whether the run stored an answer.
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

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::UnreadableBody(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::OtherUser | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RunActive(_) | Self::RunCancelled(_) => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::WrongMessage | Self::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyRuns => StatusCode::TOO_MANY_REQUESTS,
            Self::RunFailed(failed) => status_of_failed_run(failed.code),
            Self::Draining | Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotConfigured => StatusCode::NOT_IMPLEMENTED,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What kind of problem it is, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnreadableBody(_) => "unreadable_body",
            Self::Unauthorized(_) => "unauthorized",
            Self::OtherUser => "other_user",
            Self::ForeignOrigin => "foreign_origin",
            Self::NotFound(resource) => resource.code(),
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
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
            Self::Unauthorized(failure) => failure.detail(),
            Self::OtherUser => "The request is meant for another user than the token's",
            Self::ForeignOrigin => "Pages of this origin may not act for a signed-in user",
            Self::NotFound(resource) => resource.detail(),
            Self::MethodNotAllowed { .. } => "This path does not have this method",
            Self::NotAcceptable => "The answer would be JSON, which the Accept header excludes",
            Self::RunActive(_) => "The assistant is still answering in this conversation",
            Self::RunCancelled(_) => "The answer was stopped before it had said anything",
            Self::TooManyRuns => "You have too many answers under way; wait for one to end",
            Self::Busy => "The server has too many answers under way; try again",
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

    /// Writes what the caller does not see to the log. Called once, where the error is answered.
    pub(crate) fn report(&self) {
        match self {
            // Said once, by who fetches them.
            Self::Unavailable(cause) if cause.is::<JwksUnavailable>() => {}
            Self::Unavailable(cause) => tracing::warn!(
                error = cause.as_ref() as &dyn std::error::Error,
                "something that is needed is unavailable"
            ),
            Self::Internal(cause) => tracing::error!(
                error = cause.as_ref() as &dyn std::error::Error,
                "a request failed"
            ),
            _ => {}
        }
    }

    /// The answer.
    pub(crate) fn to_response(&self, request_id: &str) -> Response {
        self.report();
        let status = self.status();
        let kept = match self {
            Self::RunFailed(failed) => Some(&failed.run),
            Self::RunCancelled(run) => Some(&**run),
            _ => None,
        };
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
            code: self.code().to_owned(),
            request_id: request_id.to_owned(),
            errors: match self {
                Self::Invalid(errors) => Some(errors.clone()),
                _ => None,
            },
            active_run_id: match self {
                Self::RunActive(run) => Some(run.uuid()),
                _ => None,
            },
            conversation_id: kept.map(|run| run.conversation_id.uuid()),
            user_message_id: kept.and_then(|run| Some(run.user_message_id?.uuid())),
            run_id: kept.map(|run| run.id.uuid()),
            assistant_message_id: kept.and_then(|run| Some(run.assistant_message_id?.uuid())),
        };
        let mut response = Response::builder()
            .status(status)
            .content_type(CONTENT_TYPE)
            .body(serde_json::to_vec(&problem).unwrap_or_default());
        self.set_headers(response.headers_mut());
        response
    }

    /// The headers that belong to the error.
    pub(crate) fn set_headers(&self, headers: &mut HeaderMap) {
        let status = self.status();
        let mut set = |name, value: String| {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        };
        match self {
            Self::Unauthorized(failure) => set(header::WWW_AUTHENTICATE, failure.challenge()),
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
}

impl ApiError {
    /// When to try again, in seconds.
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
            "." | "" => error.message.clone(),
            path => format!("{path}: {}", error.message),
        },
    )
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail())
    }
}

impl std::error::Error for ApiError {}

impl From<AuthFailure> for ApiError {
    fn from(failure: AuthFailure) -> Self {
        Self::Unauthorized(failure)
    }
}

impl From<ApiError> for poem::Error {
    fn from(error: ApiError) -> Self {
        let status = error.status();
        Self::new(error, status)
    }
}

impl ApiError {
    /// For calls that name a message: what is not found is it.
    pub(crate) fn of_message(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::NotFound(_) => Self::NotFound(Resource::Message),
            error => error,
        }
    }
}

/// For calls on a conversation; its repository's "not found" is the conversation's.
impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::NotFound => Self::NotFound(Resource::Conversation),
            RepositoryError::RunActive { run_id } => Self::RunActive(run_id),
            RepositoryError::TooManyRuns => Self::TooManyRuns,
            RepositoryError::WrongMessage => Self::WrongMessage,
            RepositoryError::KeyReused => Self::KeyReused,
            RepositoryError::RunLost => Self::internal(RepositoryError::RunLost),
            RepositoryError::Unavailable(cause) => Self::Unavailable(cause),
            RepositoryError::Failed(cause) => Self::Internal(cause),
        }
    }
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Repository(error) => error.into(),
            AgentError::Draining => Self::Draining,
            AgentError::Busy => Self::Busy,
            AgentError::Lost => Self::Unavailable(Box::new(AgentError::Lost)),
        }
    }
}

/// In the contract as one `default` response, which `document` replaces by the statuses that the
/// operation can have.
impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A problem",
                status: None,
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: CONTENT_TYPE,
                    schema: <Json<Problem> as Payload>::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Problem as Type>::register(registry);
    }
}
