//! Errors in OpenAI's format: `{"error": {message, type, param, code}}`.

use poem::{Response, http::StatusCode};
use serde_json::{Value, json};

use crate::problem::{ApiError, ErrorFormat};

/// OpenAI's format of errors.
pub(crate) const ERRORS: ErrorFormat = ErrorFormat(|error, _| response(error));

/// The same after the user's message was stored: a retry would store it twice. Both official SDKs
/// obey the header. Without it, they repeat requests after 409, 429 and 5xx.
const ERRORS_AFTER_STORING: ErrorFormat = ErrorFormat(|error, _| {
    let mut response = response(error);
    let no = poem::http::HeaderValue::from_static("false");
    response.headers_mut().insert("x-should-retry", no);
    response
});

/// The reason why there is no completion.
#[derive(Debug)]
pub(super) struct Refusal {
    error: ApiError,
    /// Whether the user's message is stored.
    is_stored: bool,
}

impl Refusal {
    /// An error after the user's message was stored.
    pub(super) fn after_storing(error: ApiError) -> Self {
        Self {
            error,
            is_stored: true,
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            is_stored: false,
        }
    }
}

impl From<Refusal> for poem::Error {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::from(refusal.error);
        if refusal.is_stored {
            error.set_data(ERRORS_AFTER_STORING);
        }
        error
    }
}

fn response(error: &ApiError) -> Response {
    Response::builder()
        .status(status(error))
        .content_type("application/json")
        .body(body(error).to_string())
}

/// The error as the body of a response, or as an event of a stream.
pub(super) fn body(error: &ApiError) -> Value {
    let status = status(error);
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    let param = match error {
        ApiError::Invalid(errors) => errors.first().map(|error| error.path.clone()),
        _ => refused_parameter(error).map(str::to_owned),
    };
    let code = match refused_parameter(error) {
        Some(_) => "unsupported_value",
        None => error.code(),
    };
    json!({"error": {
        "message": error.detail(), "type": kind, "param": param, "code": code,
    }})
}

/// The parameter of the request that the model refuses.
fn refused_parameter(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::RunFailed(failed) => failed.details.refused_parameter,
        _ => None,
    }
}

/// Maps 422, and parameters that the model refuses, to 400.
fn status(error: &ApiError) -> StatusCode {
    match error.status() {
        _ if refused_parameter(error).is_some() => StatusCode::BAD_REQUEST,
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    }
}
