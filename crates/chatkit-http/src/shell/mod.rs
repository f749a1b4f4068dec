//! What surrounds every request: its id, its span, its bounds, and the form of every error.

mod accept;
mod allow;
mod cors;
mod etag;
mod metrics;
mod trace;

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::Bytes;
use chatkit_domain::{ConversationId, RunId};
use futures::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited, combinators::BoxBody};
use poem::{
    Body, Endpoint, EndpointExt, IntoResponse, Request, Response, Result,
    error::{MethodNotAllowedError, NotFoundError, ReadBodyError},
    http::{HeaderValue, Method, StatusCode, header},
};
use poem_openapi::{
    OperationId,
    error::{ContentTypeError, ParseParamError, ParsePathError},
};
use tracing::Instrument;
use uuid::Uuid;

use self::{allow::Allow, cors::Cors, trace::RequestTrace};
pub(crate) use self::{etag::matches_etag, metrics::note_model_time};
use crate::{
    problem::{ApiError, Resource},
    state::ApiState,
};

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The outermost endpoint: it answers everything, errors and panics too.
pub(crate) struct Shell<E> {
    inner: E,
    cors: Cors,
    allow: Allow,
}

impl<E: Endpoint> Shell<E> {
    pub(crate) fn new(inner: E, state: ApiState) -> Self {
        Self {
            inner,
            cors: Cors::new(&state.options().cors_origins),
            allow: Allow::new(&crate::document::json()),
        }
    }

    /// The answer of the routes, or why there is none.
    async fn answer(&self, mut request: Request) -> Result<Response> {
        accept::check(&request)?;
        limit_body(&mut request)?;
        Ok(self.inner.call(request).await?.into_response())
    }

    /// An error in the form of the contract.
    fn refuse(
        &self,
        error: poem::Error,
        method: &Method,
        path: &str,
        request_id: &str,
    ) -> Response {
        match to_api_error(error, path, || self.allow.of(path)) {
            Ok(error) => error.to_response(request_id),
            Err(finished) => {
                tracing::debug!(%method, path, "a route answered with a finished error");
                *finished
            }
        }
    }
}

impl<E: Endpoint> Endpoint for Shell<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let trace = RequestTrace::begin(&request);
        let origin = request.headers().get(header::ORIGIN).cloned();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (mut response, operation, model_time) = match self.cors.preflight(&request) {
            Some(response) => (response, "preflight", Duration::ZERO),
            None => {
                let answer = AssertUnwindSafe(self.answer(request)).catch_unwind();
                let timing = metrics::timed(answer)
                    .instrument(trace.span().clone())
                    .await;
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
        metrics::answered(operation, response.status(), trace.elapsed(), model_time);
        self.cors.mark(origin.as_ref(), &mut response);
        secure(&mut response);
        trace.end(&mut response);
        Ok(response)
    }
}

/// The operation that answered; `none` where none did.
fn operation(result: &Result<Response>) -> &'static str {
    let id = match result {
        Ok(response) => response.data::<OperationId>(),
        Err(error) => error.data::<OperationId>(),
    };
    id.map_or("none", |id| id.0)
}

/// Gives an endpoint that is not in the contract its name.
pub(crate) fn named(
    endpoint: impl Endpoint + 'static,
    name: &'static str,
) -> impl Endpoint<Output = Response> + 'static {
    endpoint.after(move |result| async move {
        match result {
            Ok(response) => {
                let mut response = response.into_response();
                response.set_data(OperationId(name));
                Ok(response)
            }
            Err(mut error) => {
                error.set_data(OperationId(name));
                Err(error)
            }
        }
    })
}

/// A conversation's id from the path, noted in the request's span.
pub(crate) fn conversation(id: Uuid) -> ConversationId {
    tracing::Span::current().record("conversation_id", tracing::field::display(id));
    ConversationId::new(id)
}

/// A run that the request is about, noted in its span.
pub(crate) fn note_run(id: RunId) {
    tracing::Span::current().record("run_id", tracing::field::display(id));
}

/// What browsers should know of every answer. Answers are the caller's own and not to be stored
/// unless they say otherwise.
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

/// Bounds the body, whether its length is announced or not.
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

/// What an error of the layers below means to the caller; or an answer that is finished already.
fn to_api_error(
    error: poem::Error,
    path: &str,
    allow: impl FnOnce() -> String,
) -> Result<ApiError, Box<Response>> {
    if error.is::<ApiError>() {
        return Ok(error
            .downcast::<ApiError>()
            .unwrap_or_else(ApiError::internal));
    }
    if error.is_from_response() {
        return Err(Box::new(error.into_response()));
    }
    Ok(
        if let Some(error) = error.downcast_ref::<ParseParamError>() {
            ApiError::invalid(error.name, rule_of(error.name))
        } else if error.is::<ParsePathError>() || error.is::<poem::error::ParsePathError>() {
            ApiError::NotFound(malformed(path))
        } else if error.is::<NotFoundError>() {
            ApiError::NotFound(Resource::Route)
        } else if error.is::<MethodNotAllowedError>() {
            ApiError::MethodNotAllowed { allow: allow() }
        } else if error.is::<ContentTypeError>() {
            ApiError::UnsupportedMediaType
        } else if let Some(ReadBodyError::Io(error)) = error.downcast_ref::<ReadBodyError>() {
            unreadable(error)
        } else if error.status() == StatusCode::NOT_FOUND {
            ApiError::NotFound(Resource::Route)
        } else if error.status().is_client_error() {
            ApiError::UnreadableBody(cut(&error.to_string()))
        } else {
            ApiError::internal(error.to_string())
        },
    )
}

/// What a path names whose ids are malformed: one that is malformed names nothing, like one that
/// is unknown, and in the same words.
fn malformed(path: &str) -> Resource {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["", "api", "chat", "conversations", conversation, rest @ ..]
            if Uuid::try_parse(conversation).is_ok() =>
        {
            match rest {
                ["runs", ..] => Resource::Run,
                _ => Resource::Message,
            }
        }
        ["", "api", "chat", "conversations", _, "runs", ..] => Resource::Run,
        ["", "api", "chat", "conversations", _, "messages", _, ..] => Resource::Message,
        ["", "api", "chat", "conversations", ..] => Resource::Conversation,
        _ => Resource::Route,
    }
}

/// What a parameter must be: the library's own words are not for users.
fn rule_of(parameter: &str) -> &'static str {
    match parameter {
        "limit" => "must be a whole number from 1 to 100",
        "q" => "must have 1 to 200 characters, not only white space, and no U+0000",
        _ => "is not what it must be",
    }
}

/// Why a body could not be read.
pub(crate) fn unreadable_body(error: poem::Error) -> ApiError {
    match error.downcast_ref::<ReadBodyError>() {
        Some(ReadBodyError::Io(error)) => unreadable(error),
        _ => ApiError::UnreadableBody("it broke off".to_owned()),
    }
}

/// Why reading a body failed. The limit's own error is wrapped several times.
fn unreadable(error: &std::io::Error) -> ApiError {
    let mut inner = error.get_ref();
    while let Some(error) = inner {
        if error.is::<LengthLimitError>() {
            return ApiError::PayloadTooLarge;
        }
        inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
    }
    ApiError::UnreadableBody("it broke off".to_owned())
}

/// A message that may quote input, cut short.
fn cut(message: &str) -> String {
    message.chars().take(200).collect()
}
