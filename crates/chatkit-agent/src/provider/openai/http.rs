//! Requests to the models' server: what is tried again, and what its refusals mean.
//!
//! The library's own error mapping loses the status of every error body that is not exactly
//! OpenAI's, and logs bodies; so statuses are read here, before it sees them.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use crate::provider::ProviderError;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is tried again, while nothing of an answer has come.
const RETRIES: u32 = 2;

/// The longest wait that a server may ask for without failing the run.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How much of an error's body is read.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// Words by which servers say that the conversation is too long.
const TOO_LONG: [&str; 6] = [
    "context_length_exceeded",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "too many tokens",
];

/// Sends requests, for the library.
#[derive(Clone, Debug)]
pub(super) struct UpstreamService {
    client: reqwest::Client,
}

impl UpstreamService {
    pub(super) fn new(silence: Duration) -> Result<Self, ProviderError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // Only a net: the engine measures silence, and tells it from other failures.
            .read_timeout(silence + Duration::from_secs(5))
            .build()
            .map_err(|error| ProviderError::Failed(Box::new(error)))?;
        Ok(Self { client })
    }

    pub(super) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    async fn send(&self, factory: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let mut attempt = 0;
        loop {
            let request = factory.build().await?;
            let failure = match self.client.execute(request).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => Refusal::read(response).await,
                Err(error) => Refusal::unreachable(error),
            };
            match failure.wait(attempt) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(OpenAIError::Boxed(Box::new(failure.error))),
            }
            attempt += 1;
        }
    }
}

impl tower_service::Service<HttpRequestFactory> for UpstreamService {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.send(factory).await })
    }
}

/// A status that is no answer. The body may quote the conversation: only its words for programs go
/// to the log.
#[derive(Debug, thiserror::Error)]
#[error("status {status}, code {code:?}")]
pub(super) struct RefusedStatus {
    status: StatusCode,
    code: String,
    /// What of the request is refused, where that is said.
    pub(super) param: String,
}

/// An attempt without an answer.
struct Refusal {
    error: ProviderError,
    /// Whether another attempt could succeed.
    may_pass: bool,
}

impl Refusal {
    fn unreachable(error: reqwest::Error) -> Self {
        // A silence has cost its time already.
        let may_pass = !error.is_timeout();
        let error = if error.is_timeout() && !error.is_connect() {
            ProviderError::TimedOut
        } else {
            // The URL may hold a key.
            ProviderError::Failed(Box::new(error.without_url()))
        };
        Self { error, may_pass }
    }

    async fn read(response: Response) -> Self {
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = read_start(response).await;
        let code = word_of(&body, &["code", "type"]);
        let error = if status == StatusCode::TOO_MANY_REQUESTS && code != "insufficient_quota"
            || status == StatusCode::SERVICE_UNAVAILABLE && retry_after.is_some()
        {
            ProviderError::Overloaded { retry_after }
        } else if status.is_client_error() && is_too_long(&body) {
            ProviderError::ContextTooLong
        } else {
            let param = word_of(&body, &["param"]);
            ProviderError::Failed(Box::new(RefusedStatus {
                status,
                code,
                param,
            }))
        };
        let may_pass = matches!(error, ProviderError::Overloaded { .. })
            || status.is_server_error()
            || status == StatusCode::REQUEST_TIMEOUT;
        Self { error, may_pass }
    }

    /// How long to wait before the next attempt; `None` when there is none.
    fn wait(&self, attempt: u32) -> Option<Duration> {
        if attempt >= RETRIES || !self.may_pass {
            return None;
        }
        let asked = match &self.error {
            ProviderError::Overloaded { retry_after } => *retry_after,
            _ => None,
        };
        let backoff = Duration::from_millis(250 << attempt).mul_f64(fastrand::f64() + 0.5);
        let wait = asked.unwrap_or(backoff);
        (wait <= LONGEST_WAIT).then_some(wait)
    }
}

/// Seconds; the form with a date is not used by models' servers.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = value.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

async fn read_start(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_ERROR_BYTES {
            break;
        }
    }
    bytes.truncate(MAX_ERROR_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first of these members of an error body's `error`; shortened, as it goes to the log.
fn word_of(body: &str, names: &[&str]) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let found = names
        .iter()
        .map(|name| &body["error"][name])
        .find(|value| !value.is_null());
    let word = match found {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Number(word)) => word.to_string(),
        _ => String::new(),
    };
    word.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        .take(64)
        .collect()
}

pub(super) fn is_too_long(body: &str) -> bool {
    let body = body.to_lowercase();
    TOO_LONG.iter().any(|words| body.contains(words))
}

/// What an error of the library means. Its own texts may quote the answer and are dropped.
pub(super) fn failure(error: OpenAIError) -> ProviderError {
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<ProviderError>() {
            Ok(error) => *error,
            Err(error) => ProviderError::Failed(error),
        },
        OpenAIError::Reqwest(error) => Refusal::unreachable(error).error,
        OpenAIError::JSONDeserialize(_, content) if is_too_long(&content) => {
            ProviderError::ContextTooLong
        }
        OpenAIError::JSONDeserialize(error, _) => {
            let place = (error.line(), error.column());
            ProviderError::Failed(format!("the answer is no JSON at {place:?}").into())
        }
        OpenAIError::StreamError(error) => {
            let text = error.to_string();
            let cut = text.split(':').next().unwrap_or_default().to_owned();
            ProviderError::Failed(format!("the answer was cut off ({cut})").into())
        }
        _ => ProviderError::Failed("the library refused".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_an_error_is_kept() {
        for (body, code) in [
            (
                r#"{"error":{"code":"invalid_api_key","message":"secret"}}"#,
                "invalid_api_key",
            ),
            (r#"{"error":{"code":429,"type":"x"}}"#, "429"),
            (
                r#"{"error":{"code":null,"type":"server_error"}}"#,
                "server_error",
            ),
            (r#"{"error":"text"}"#, ""),
            ("plain text", ""),
        ] {
            assert_eq!(word_of(body, &["code", "type"]), code);
        }
    }

    #[test]
    fn servers_say_in_many_ways_that_a_conversation_is_too_long() {
        for body in [
            r#"{"error":{"code":"context_length_exceeded"}}"#,
            "This model's maximum Context Length is 8192 tokens",
            "the request exceeds the available context size",
        ] {
            assert!(is_too_long(body));
        }
        assert!(!is_too_long("invalid api key"));
    }
}
