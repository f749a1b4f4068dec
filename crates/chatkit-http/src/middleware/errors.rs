//! Converts errors of lower layers to errors of the API.

use chatkit_domain::Resource;
use poem::{
    Response,
    error::{MethodNotAllowedError, NotFoundError, ReadBodyError},
    http::StatusCode,
};
use poem_openapi::error::{ContentTypeError, ParseParamError};

use crate::{body::unreadable, problem::ApiError};

/// The error of the API, or a response that is already complete. `resource` is not found if the
/// path is malformed.
pub(super) fn to_api_error(
    error: poem::Error,
    resource: Option<Resource>,
    allow: impl FnOnce() -> String,
) -> Result<ApiError, Box<Response>> {
    if error.is::<ApiError>() {
        let error = error.downcast::<ApiError>();
        return Ok(error.unwrap_or_else(ApiError::internal));
    }
    if error.is_from_response() {
        return Err(Box::new(error.into_response()));
    }
    Ok(
        if let Some(error) = error.downcast_ref::<ParseParamError>() {
            ApiError::invalid(error.name, rule_of(error.name))
        } else if error.is::<NotFoundError>() {
            ApiError::RouteNotFound
        } else if error.is::<MethodNotAllowedError>() {
            ApiError::MethodNotAllowed { allow: allow() }
        } else if error.is::<ContentTypeError>() {
            ApiError::UnsupportedMediaType
        } else if let Some(ReadBodyError::Io(error)) = error.downcast_ref::<ReadBodyError>() {
            unreadable(error)
        } else if error.is::<poem::error::ParsePathError>()
            || error.is::<poem_openapi::error::ParsePathError>()
        {
            resource.map_or(ApiError::RouteNotFound, ApiError::NotFound)
        } else if error.status() == StatusCode::NOT_FOUND {
            ApiError::RouteNotFound
        } else if error.status().is_client_error() {
            ApiError::UnreadableBody("the request is malformed".into())
        } else {
            ApiError::internal(error.to_string())
        },
    )
}

/// The rule for a parameter. The library's messages are not written for users.
fn rule_of(parameter: &str) -> &'static str {
    match parameter {
        "limit" => "must be an integer from 1 to 100",
        "q" => "must have 1 to 200 characters, not only white space, and no U+0000",
        "after" => "must be an integer of at least 0",
        _ => "has the wrong form",
    }
}
