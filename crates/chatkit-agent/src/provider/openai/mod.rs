//! A provider for any server with an OpenAI-compatible API.
//!
//! `adaptation` chooses the form of the request that the server accepts, `chat_request` or
//! `response_request` builds its body, and `upstream` sends it. `decoder` reads the answer through
//! `sse` and passes each event to `chat` or `responses`.

mod adaptation;
mod answer;
mod attached;
mod calls;
mod chat;
mod chat_request;
mod decoder;
mod diagnosis;
mod history;
mod options;
mod quotation;
mod refusal;
mod response_request;
mod responses;
mod sse;
mod think;
mod upstream;
mod usage;
mod wording;

use std::{collections::BTreeSet, fmt};

use async_trait::async_trait;
use serde_json::Value;

pub use self::options::{OpenAiApi, OpenAiOptions, RefusedForms};
use self::{
    adaptation::{Adaptation, MAX_TRIED, Memory},
    answer::Broken,
    attached::Tag,
    diagnosis::diagnose,
    upstream::Upstream,
};
use super::{ModelRequest, ModelStream, Provider, ProviderError};

/// A provider that uses one of OpenAI's APIs.
pub struct OpenAiProvider {
    upstream: Upstream,
    api: OpenAiApi,
    memory: Memory,
    /// Whether the server is OpenAI's own, which accepts all of OpenAI's parameters.
    is_openai: bool,
}

impl OpenAiProvider {
    /// Creates a provider for the models of this API. Sends nothing yet.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] if the certificates of the operating system cannot be read.
    pub fn new(options: &OpenAiOptions) -> Result<Self, ProviderError> {
        let api_key = options.api_key.clone().filter(|key| !key.is_empty());
        let upstream = Upstream::new(&options.base_url, api_key, options.silence)?;
        let RefusedForms {
            tools,
            stream_options,
            neighbors,
        } = options.refused;
        let fixed = [
            (Adaptation::NoTools, tools),
            (Adaptation::Without("stream_options"), stream_options),
            (Adaptation::AlternateRoles, neighbors),
        ];
        let fixed = fixed.into_iter().filter(|(_, is_set)| *is_set);
        let fixed: BTreeSet<_> = fixed.map(|(adaptation, _)| adaptation).collect();
        Ok(Self {
            upstream,
            api: options.api,
            memory: Memory::new(fixed),
            is_openai: is_openai(&options.base_url),
        })
    }

    fn body(&self, request: &ModelRequest, applied: &BTreeSet<Adaptation>, tag: &Tag) -> Value {
        let cache_key = self.is_openai.then_some(request.cache_key.as_str());
        match self.api {
            OpenAiApi::ChatCompletions => chat_request::body(request, applied, tag, cache_key),
            OpenAiApi::Responses => response_request::body(request, applied, tag, cache_key),
        }
    }
}

/// Whether a base URL is OpenAI's own API, or Azure's variant of it.
fn is_openai(base_url: &str) -> bool {
    let host = reqwest::Url::parse(base_url).ok();
    let host = host.as_ref().and_then(reqwest::Url::host_str);
    host.is_some_and(|host| {
        host == "api.openai.com"
            || host.ends_with(".api.openai.com")
            || host.ends_with(".openai.azure.com")
    })
}

#[async_trait]
impl Provider for OpenAiProvider {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let (model, sampling) = (&request.model, &request.sampling);
        let tag = Tag {
            api: self.api.as_str(),
            model: model.clone(),
        };
        let mut applied = self.memory.of(model);
        let mut tried = 0;
        // The adaptations that may have helped, and the refusals that caused them.
        let mut helpful: Vec<(Adaptation, String)> = Vec::new();
        loop {
            let body = self.body(&request, &applied, &tag);
            let failure = match self.upstream.open(self.api, model, &body, sampling).await {
                Ok(stream) => {
                    for (adaptation, _) in helpful {
                        self.memory.learn(self.api, model, adaptation);
                    }
                    return Ok(stream);
                }
                Err(failure) => failure,
            };
            let Broken::Refused(refusal) = &failure else {
                return Err(self.upstream.error(failure, &request));
            };
            // The same refusal again means that the last adaptation did not help.
            helpful.pop_if(|(_, before)| *before == refusal.text);
            let proposal = diagnose(refusal, &request, &body, (&applied, &tag));
            let Some(proposal) = proposal.filter(|_| tried < MAX_TRIED) else {
                return Err(self.upstream.error(failure, &request));
            };
            tried += 1;
            applied.insert(proposal.adaptation);
            if proposal.is_trusted {
                helpful.push((proposal.adaptation, refusal.text.clone()));
            }
        }
    }
}

impl fmt::Debug for OpenAiProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenAiProvider")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

/// Decodes an answer. Returns its events and the result at its end.
#[cfg(any(test, feature = "fuzzing"))]
fn decoded(api: OpenAiApi, bytes: &[u8]) -> (Vec<super::ModelEvent>, Result<(), answer::Broken>) {
    let mut decoder = decoder::Decoder::new(api, "model");
    let mut events = std::collections::VecDeque::new();
    let mut result = Ok(());
    for piece in bytes.chunks(1 << 14) {
        result = result.and_then(|()| decoder.read(piece, &mut events));
    }
    let result = result.and_then(|()| decoder.end(&mut events));
    (events.into(), result)
}

/// Reads bytes as an answer of both APIs, for the fuzzer.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_decoder(bytes: &[u8]) {
    for api in [OpenAiApi::ChatCompletions, OpenAiApi::Responses] {
        let (events, result) = decoded(api, bytes);
        let text = events
            .iter()
            .map(super::ModelEvent::text_bytes)
            .sum::<usize>();
        // U+FFFD has three bytes, and the lone half that it replaces has six.
        assert!(text <= 3 * bytes.len() + 16, "more was read than was sent");
        if result.is_ok() {
            let is_end =
                |event: &super::ModelEvent| matches!(event, super::ModelEvent::Finished(_));
            assert!(events.last().is_some_and(is_end), "an answer ends once");
            assert_eq!(events.iter().filter(|event| is_end(event)).count(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replays the fuzzer's corpus in every test run.
    #[test]
    fn the_corpus_is_read_without_a_panic() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/decoder");
        let files: Vec<_> = std::fs::read_dir(corpus).unwrap().collect();
        assert!(files.len() > 20, "the corpus is missing");
        for file in files {
            fuzz_decoder(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn only_openais_own_api_gets_its_own_parameters() {
        for own in [
            "https://api.openai.com/v1",
            "https://eu.api.openai.com/v1",
            "https://x.openai.azure.com/openai/v1",
        ] {
            assert!(is_openai(own), "{own}");
        }
        for other in [
            "https://api.openai.com.evil.example/v1",
            "http://localhost:11434/v1",
            "x",
        ] {
            assert!(!is_openai(other), "{other}");
        }
    }
}
