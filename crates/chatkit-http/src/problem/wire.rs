//! The problem on the wire (RFC 9457), and the other formats that an error can have.

use poem::Response;
use poem_openapi::Object;
use serde::Serialize;
use uuid::Uuid;

use super::error::{ApiError, FieldError};

/// The media type of RFC 9457.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// Writes an error as a response: the error, and the request's id.
///
/// A handler may attach one to its error. Without one, the route's format is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorFormat(pub(crate) fn(&ApiError, &str) -> Response);

impl ErrorFormat {
    /// Problems (RFC 9457).
    pub(crate) const PROBLEM: Self = Self(problem);

    /// The response with an error of the request with this id.
    pub(crate) fn response(self, error: &ApiError, request_id: &str) -> Response {
        error.report();
        let mut response = (self.0)(error, request_id);
        error.set_headers(response.headers_mut());
        response
    }
}

/// A problem (RFC 9457).
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct Problem {
    /// Always `about:blank`. `code` identifies the kind of problem.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    /// The name of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// One plain sentence that may be shown to the user.
    detail: String,
    /// The kind of problem, for programs.
    code: String,
    /// The id of the request, as in `X-Request-Id`.
    request_id: String,
    /// The values that break their rules, for code `invalid_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    errors: Option<Vec<FieldError>>,
    /// The id of the active run, for code `run_active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    active_run_id: Option<Uuid>,
    /// The id of the conversation, if the user's message is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    conversation_id: Option<Uuid>,
    /// The id of the user's message, if it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    user_message_id: Option<Uuid>,
    /// The id of the run, if the user's message is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    run_id: Option<Uuid>,
    /// The id of the incomplete answer, if a part was stored before the run failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    assistant_message_id: Option<Uuid>,
}

fn problem(error: &ApiError, request_id: &str) -> Response {
    let status = error.status();
    let stored = match error {
        ApiError::RunFailed(failed) => Some(&failed.run),
        ApiError::RunCancelled(run) => Some(&**run),
        _ => None,
    };
    let problem = Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        detail: error.detail(),
        code: error.code().to_owned(),
        request_id: request_id.to_owned(),
        errors: match error {
            ApiError::Invalid(errors) => Some(errors.clone()),
            _ => None,
        },
        active_run_id: match error {
            ApiError::RunActive(run) => Some(run.uuid()),
            _ => None,
        },
        conversation_id: stored.map(|run| run.conversation_id.uuid()),
        user_message_id: stored.and_then(|run| Some(run.user_message_id?.uuid())),
        run_id: stored.map(|run| run.id.uuid()),
        assistant_message_id: stored.and_then(|run| Some(run.assistant_message_id?.uuid())),
    };
    Response::builder()
        .status(status)
        .content_type(CONTENT_TYPE)
        .body(serde_json::to_vec(&problem).unwrap_or_default())
}
