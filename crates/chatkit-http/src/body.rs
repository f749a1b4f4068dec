//! Reads the bodies of requests.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::LengthLimitError;
use poem::{FromRequest, Request, RequestBody, error::ReadBodyError};
use serde::de::DeserializeOwned;

use crate::{json, problem::ApiError};

/// Longest time that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body as JSON, regardless of its content type.
pub(crate) async fn read_body<T: DeserializeOwned>(
    request: &Request,
    body: &mut RequestBody,
) -> Result<T, ApiError> {
    json::parse(&read_bytes(request, body).await?)
}

/// Reads a body.
pub(crate) async fn read_bytes(
    request: &Request,
    body: &mut RequestBody,
) -> Result<Bytes, ApiError> {
    let reading = Bytes::from_request(request, body);
    let read = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    let read = read.map_err(|_| ApiError::UnreadableBody("it took too long to arrive".into()))?;
    read.map_err(|error| match error.downcast_ref::<ReadBodyError>() {
        Some(ReadBodyError::Io(error)) => unreadable(error),
        _ => ApiError::UnreadableBody(CUT_OFF.into()),
    })
}

const CUT_OFF: &str = "the connection broke off";

/// The error for a body that could not be read.
pub(crate) fn unreadable(error: &io::Error) -> ApiError {
    // The limit's own error is wrapped several times.
    let mut inner = error.get_ref();
    while let Some(error) = inner {
        if error.is::<LengthLimitError>() {
            return ApiError::PayloadTooLarge;
        }
        inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
    }
    ApiError::UnreadableBody(CUT_OFF.into())
}
