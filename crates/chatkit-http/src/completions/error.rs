//! Errors in OpenAI's shape: `{"error": {message, type, param, code}}`.

use poem::{Response, http::StatusCode};
use serde_json::{Value, json};

use crate::problem::ApiError;

/// Why a completion was not given.
#[derive(Debug)]
pub(super) struct Refusal {
    error: ApiError,
    /// Whether the user's message is stored: asking again would store it twice.
    kept: bool,
}

/// An error after the user's message was stored.
pub(super) fn kept(error: ApiError) -> Refusal {
    Refusal { error, kept: true }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, kept: false }
    }
}

impl Refusal {
    /// A field that is not what it may be.
    pub(super) fn field(param: &str, message: impl std::fmt::Display) -> Self {
        ApiError::invalid(param, message).into()
    }

    pub(super) fn into_response(self) -> Response {
        self.error.report();
        let status = status(&self.error);
        let mut response = Response::builder()
            .status(status)
            .content_type("application/json")
            .body(body(&self.error).to_string());
        self.error.set_headers(response.headers_mut());
        if self.kept {
            // Both official SDKs obey it; without it they repeat 409, 429 and 5xx.
            let no = poem::http::HeaderValue::from_static("false");
            response.headers_mut().insert("x-should-retry", no);
        }
        response
    }
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
