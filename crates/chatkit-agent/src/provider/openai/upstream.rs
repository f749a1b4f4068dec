//! Sends requests to the model's server, retries them, and detects the end of the answer.

use std::{collections::VecDeque, time::Duration};

use async_openai::config::{Config, OpenAIConfig};
use futures::{StreamExt, stream};
use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap},
    redirect::{Action, Attempt, Policy},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{Broken, Stage, garbage},
    decoder::Decoder,
    options::OpenAiApi,
    refusal::Refusal,
};
use crate::provider::{ModelEvent, ModelRequest, ModelStream, ProviderError, Sampling};

/// The timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of retries before an answer has started.
const RETRIES: u32 = 2;

/// The maximum delay requested by a server that does not fail the run.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The maximum wait for the usage after the finish reason.
const USAGE_WAIT: Duration = Duration::from_secs(2);

/// The maximum wait for more output after a finish reason that arrived together with output. Some
/// servers send one with every chunk.
const DOUBTFUL_WAIT: Duration = Duration::from_secs(5);

/// The maximum wait for the end marker after the usage. Only a fully read connection can be reused.
const END_WAIT: Duration = Duration::from_millis(100);

/// The maximum number of redirects. All must stay within one origin.
const MAX_REDIRECTS: usize = 3;

/// The model's server.
#[derive(Debug)]
pub(super) struct Upstream {
    client: reqwest::Client,
    config: OpenAIConfig,
    headers: HeaderMap,
    api_key: Option<String>,
}

impl Upstream {
    pub(super) fn new(
        base_url: &str,
        api_key: Option<String>,
        silence: Duration,
    ) -> Result<Self, ProviderError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // This is a fallback. The engine enforces the limit of silence and reports it as a
            // timeout.
            .read_timeout(silence + Duration::from_secs(5))
            .redirect(Policy::custom(redirect))
            .build()
            .map_err(|error| ProviderError::Failed(Box::new(error)))?;
        let config = OpenAIConfig::new()
            .with_api_base(base_url.trim_end_matches('/'))
            .with_api_key(api_key.clone().unwrap_or_default());
        let mut headers = config.headers();
        if api_key.is_none() {
            // Gateways without authentication refuse a header with an empty key.
            headers.remove(AUTHORIZATION);
        }
        Ok(Self {
            client,
            config,
            headers,
            api_key,
        })
    }

    /// Converts the failure of a request to the run's error.
    pub(super) fn error(&self, failure: Broken, request: &ModelRequest) -> ProviderError {
        let (sampling, key) = (&request.sampling, self.api_key.as_deref());
        match failure {
            Broken::Refused(refusal) => refusal.into_error(sampling, Some(request), key),
            Broken::Failed(error) => error,
        }
    }

    /// Sends a request, retries temporary failures, and waits for the answer's first event.
    pub(super) async fn open(
        &self,
        api: OpenAiApi,
        model: &str,
        body: &Value,
        sampling: &Sampling,
    ) -> Result<ModelStream, Broken> {
        let mut attempt = 0;
        loop {
            let (failure, may_pass) = match self.attempt(api, model, body).await {
                Ok((first, reader)) => {
                    return Ok(self.stream(first, reader, sampling.clone()));
                }
                Err(Attempted::Unreachable(error)) => unreachable(error),
                Err(Attempted::Broken(broken)) => {
                    let may_pass =
                        matches!(&broken, Broken::Refused(refusal) if refusal.may_pass());
                    (broken, may_pass)
                }
            };
            match wait(&failure, attempt).filter(|_| may_pass) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failure),
            }
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        api: OpenAiApi,
        model: &str,
        body: &Value,
    ) -> Result<(ModelEvent, AnswerReader), Attempted> {
        let request = self
            .client
            .post(self.config.url(api.path()))
            .headers(self.headers.clone())
            .json(body);
        let response = request.send().await.map_err(Attempted::Unreachable)?;
        if !response.status().is_success() {
            return Err(Attempted::Broken(Refusal::read(response).await.into()));
        }
        let mut reader = AnswerReader::new(response, Decoder::new(api, model));
        match reader.next().await {
            Some(Ok(first)) => Ok((first, reader)),
            Some(Err(broken)) => Err(Attempted::Broken(broken)),
            None => Err(Attempted::Broken(garbage("the answer is empty").into())),
        }
    }

    fn stream(&self, first: ModelEvent, reader: AnswerReader, sampling: Sampling) -> ModelStream {
        let api_key = self.api_key.clone();
        let rest = stream::unfold(Some(reader), move |reader| {
            let (sampling, api_key) = (sampling.clone(), api_key.clone());
            async move {
                let mut reader = reader?;
                match reader.next().await? {
                    Ok(event) => Some((Ok(event), Some(reader))),
                    Err(Broken::Failed(error)) => Some((Err(error), None)),
                    Err(Broken::Refused(refusal)) => {
                        let error = refusal.into_error(&sampling, None, api_key.as_deref());
                        Some((Err(error), None))
                    }
                }
            }
        });
        stream::once(async { Ok(first) }).chain(rest).boxed()
    }
}

/// The failure of an attempt.
#[derive(Debug)]
enum Attempted {
    Unreachable(reqwest::Error),
    Broken(Broken),
}

/// Follows a redirect only within one origin and only if it repeats the same request. Other
/// redirects would send the key or the conversation elsewhere.
fn redirect(attempt: Attempt<'_>) -> Action {
    let repeats = matches!(
        attempt.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let previous = attempt.previous();
    let same_origin = previous
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    if repeats && same_origin && previous.len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Classifies a request that did not reach the server. Returns also whether a retry may succeed.
fn unreachable(error: reqwest::Error) -> (Broken, bool) {
    // A timed-out request has already used up its time, so it is not retried.
    let may_pass = !error.is_timeout();
    let error = if error.is_timeout() && !error.is_connect() {
        ProviderError::TimedOut
    } else {
        // The URL may contain a key.
        ProviderError::Failed(Box::new(error.without_url()))
    };
    (Broken::Failed(error), may_pass)
}

/// Returns the wait before the next attempt. `None` if there is no next attempt.
fn wait(failure: &Broken, attempt: u32) -> Option<Duration> {
    if attempt >= RETRIES {
        return None;
    }
    let asked = match failure {
        Broken::Refused(refusal) => refusal.retry_after(),
        Broken::Failed(_) => None,
    };
    let backoff = Duration::from_millis(250 << attempt).mul_f64(fastrand::f64() + 0.5);
    let wait = asked.unwrap_or(backoff);
    (wait <= LONGEST_WAIT).then_some(wait)
}

/// Reads the events of an answer from its response.
#[derive(Debug)]
struct AnswerReader {
    response: Response,
    decoder: Decoder,
    events: VecDeque<ModelEvent>,
    /// The error to return after the remaining events.
    broken: Option<Broken>,
    is_over: bool,
    /// The deadline for the rest of a finished answer.
    until: Option<(Stage, Instant)>,
}

impl AnswerReader {
    fn new(response: Response, decoder: Decoder) -> Self {
        Self {
            response,
            decoder,
            events: VecDeque::new(),
            broken: None,
            is_over: false,
            until: None,
        }
    }

    /// Returns the next event, or `None` after the last one.
    async fn next(&mut self) -> Option<Result<ModelEvent, Broken>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if let Some(broken) = self.broken.take() {
                self.is_over = true;
                return Some(Err(broken));
            }
            if self.is_over {
                return None;
            }
            if let Err(broken) = self.advance().await {
                self.broken = Some(broken);
            }
        }
    }

    async fn advance(&mut self) -> Result<(), Broken> {
        let until = match self.decoder.stage() {
            Stage::Open => None,
            stage @ (Stage::Finished | Stage::Settled | Stage::Doubtful) => {
                Some(self.deadline(stage))
            }
            Stage::Ended => {
                self.finish();
                return Ok(());
            }
        };
        let chunk = self.response.chunk();
        let chunk = match until {
            None => chunk.await,
            Some(until) => match timeout_at(until, chunk).await {
                Ok(chunk) => chunk,
                Err(_) => {
                    self.finish();
                    return Ok(());
                }
            },
        };
        match chunk {
            Ok(Some(bytes)) => {
                let before = self.events.len();
                let read = self.decoder.read(&bytes, &mut self.events);
                if self.events.len() > before {
                    // Each arrival restarts the wait.
                    self.until = None;
                }
                read
            }
            Ok(None) => {
                self.is_over = true;
                self.decoder.end(&mut self.events)
            }
            // The connection was cut after the end of the answer.
            Err(_) if until.is_some() => {
                self.finish();
                Ok(())
            }
            Err(error) if error.is_timeout() => Err(ProviderError::TimedOut.into()),
            Err(error) => Err(ProviderError::Failed(Box::new(error.without_url())).into()),
        }
    }

    fn deadline(&mut self, stage: Stage) -> Instant {
        match self.until {
            Some((known, until)) if known == stage => until,
            _ => {
                let wait = match stage {
                    Stage::Settled => END_WAIT,
                    Stage::Doubtful => DOUBTFUL_WAIT,
                    _ => USAGE_WAIT,
                };
                let until = Instant::now() + wait;
                self.until = Some((stage, until));
                until
            }
        }
    }

    fn finish(&mut self) {
        self.is_over = true;
        self.decoder.finish(&mut self.events);
    }
}
