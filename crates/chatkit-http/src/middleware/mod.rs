//! The layer around every request: its id, its span, its limits, and the format of its errors.

mod accept;
mod cors;
mod counts;
mod errors;
pub(crate) mod notes;
pub(crate) mod paths;
mod trace;

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Limited, combinators::BoxBody};
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderValue, Method, Uri, header, uri::PathAndQuery},
};
use poem_openapi::OperationId;
use tracing::Instrument;

use self::{cors::Cors, paths::Paths, trace::RequestTrace};
use crate::{
    options::ApiOptions,
    problem::{ApiError, ErrorFormat},
};

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The outermost endpoint. It answers every request, also after errors and panics.
pub(crate) struct Middleware<E> {
    inner: E,
    cors: Cors,
    paths: Paths,
    base_path: String,
}

impl<E: Endpoint> Middleware<E> {
    pub(crate) fn new(inner: E, paths: Paths, options: &ApiOptions) -> Self {
        Self {
            inner,
            cors: Cors::new(&options.cors_origins),
            paths,
            base_path: options.base_path.to_string(),
        }
    }

    /// The response of the routes.
    async fn answer(&self, mut request: Request) -> Result<Response> {
        let operation = self.paths.operation(request.method(), request.uri().path());
        if let Some(operation) = operation {
            accept::check(request.headers(), operation.accepts)?;
        }
        limit_body(&mut request)?;
        Ok(self.inner.call(request).await?.into_response())
    }

    /// The response for an error: in the format that its handler chose, else in that of the path.
    fn refuse(
        &self,
        error: poem::Error,
        method: &Method,
        path: &str,
        request_id: &str,
    ) -> Response {
        let format = error.data::<ErrorFormat>().copied();
        let known = self.paths.any_operation(path);
        match errors::to_api_error(error, known.resource, || self.paths.allow(path)) {
            Ok(error) => format.unwrap_or(known.errors).response(&error, request_id),
            Err(finished) => {
                tracing::debug!(%method, path, "a route returned a complete error response");
                *finished
            }
        }
    }
}

impl<E: Endpoint> Endpoint for Middleware<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        remove_base_path(&mut request, &self.base_path);
        let trace = RequestTrace::start(&request);
        let origin = request.headers().get(header::ORIGIN).cloned();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (mut response, operation, model_time) = match self.cors.preflight(&request) {
            Some(response) => (response, "preflight", Duration::ZERO),
            None => {
                let answer = AssertUnwindSafe(self.answer(request)).catch_unwind();
                let timing = notes::timed(answer).instrument(trace.span().clone()).await;
                let result = timing
                    .result
                    .unwrap_or_else(|_| Err(ApiError::internal("a handler panicked").into()));
                let operation = operation(&result);
                let response = result.unwrap_or_else(|error| {
                    let _in_span = trace.span().enter();
                    self.refuse(error, &method, &path, trace.request_id())
                });
                (response, operation, timing.model_time)
            }
        };
        counts::answered(operation, response.status(), trace.elapsed(), model_time);
        self.cors.mark(origin.as_ref(), &mut response);
        secure(&mut response);
        trace.end(&mut response);
        Ok(response)
    }
}

/// Removes the base path, unless a proxy has already removed it.
fn remove_base_path(request: &mut Request, base_path: &str) {
    if base_path.is_empty() {
        return;
    }
    if let Some(uri) = without_prefix(request.uri(), base_path) {
        *request.uri_mut() = uri;
    }
}

fn without_prefix(uri: &Uri, base_path: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base_path)?;
    let path = match rest.chars().next() {
        Some('/') => rest.to_owned(),
        None | Some('?') => format!("/{rest}"),
        // Another path that only starts with the same letters.
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

/// The name of the operation that answered, or `none`.
fn operation(result: &Result<Response>) -> &'static str {
    let id = match result {
        Ok(response) => response.data::<OperationId>(),
        Err(error) => error.data::<OperationId>(),
    };
    id.map_or("none", |id| id.0)
}

/// Sets the headers that browsers need on every response. A response belongs to its caller and is
/// not stored, unless its handler says otherwise.
fn secure(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Limits the size of the body, with or without a `Content-Length`.
fn limit_body(request: &mut Request) -> Result<(), ApiError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(ApiError::PayloadTooLarge);
    }
    let body: BoxBody<Bytes, std::io::Error> = request.take_body().into();
    let body = Limited::new(body, MAX_BODY_BYTES)
        .map_err(std::io::Error::other)
        .boxed();
    request.set_body(Body::from(body));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_removed_as_whole_segments() {
        let check = |uri: &str, expected: Option<&str>| {
            let found = without_prefix(&uri.parse().unwrap(), "/assistant");
            let found = found.map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{uri}");
        };
        check("/assistant/api/info?x=1", Some("/api/info?x=1"));
        check("/assistant", Some("/"));
        check("/assistant?x=1", Some("/?x=1"));
        check("/assistants", None);
        check("/api/info", None);
    }
}
