//! Providers, which answer requests to a model.

#[cfg(feature = "openai")]
mod json;
#[cfg(feature = "openai")]
pub mod openai;

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use chatkit_domain::Usage;
use chatkit_tools::ToolDefinition;
use futures::stream::BoxStream;
use serde::Serialize;

/// Answers model requests through an OpenAI-compatible API or with built-in rules.
#[async_trait]
pub trait Provider: Debug + Send + Sync {
    /// Starts an answer. Dropping the stream stops it.
    ///
    /// # Errors
    /// [`ProviderError`] before the first event. The stream returns later errors.
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError>;
}

/// The events of one answer, in order. The last event must be [`ModelEvent::Finished`]. Without it,
/// the answer counts as cut off.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, ProviderError>>;

/// A request to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The model's name.
    pub model: String,
    /// The system prompt.
    pub instructions: String,
    /// The conversation so far, oldest first. It ends with the new message or with tool results.
    pub input: Vec<InputItem>,
    /// The definitions of all tools.
    pub tools: Arc<[ToolDefinition]>,
    /// The tools that the model may call.
    pub tool_choice: ToolChoice,
    /// The parameters with which the model chooses words.
    pub sampling: Sampling,
    /// A key that is the same for all requests of a conversation, so that a provider can route them
    /// to one prompt cache.
    pub cache_key: String,
}

/// The tools that a model may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model may call any tool or none.
    #[default]
    Auto,
    /// The model must not call a tool, because the run has no rounds left. The tools are still
    /// sent, because some servers refuse a history with tool calls otherwise.
    None,
    /// The model must call this tool.
    Tool(String),
}

/// The parameters with which a model chooses words. `None` leaves a parameter to the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sampling {
    /// The temperature, from 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The probability mass to sample from, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The maximum number of tokens of an answer, for servers that know this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The maximum number of tokens of an answer, by its newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// Texts before which the answer ends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// A seed that makes answers repeatable if the model supports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
}

impl Sampling {
    /// Returns the names of the parameters that are set.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let Self {
            temperature,
            top_p,
            max_tokens,
            max_completion_tokens,
            stop,
            seed,
        } = self;
        let set = [
            ("temperature", temperature.is_some()),
            ("top_p", top_p.is_some()),
            ("max_tokens", max_tokens.is_some()),
            ("max_completion_tokens", max_completion_tokens.is_some()),
            ("stop", !stop.is_empty()),
            ("seed", seed.is_some()),
        ];
        set.into_iter()
            .filter_map(|(name, is_set)| is_set.then_some(name))
            .collect()
    }
}

/// An entry of the conversation as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputItem {
    /// A message of the user.
    User(String),
    /// The assistant's text of one round, and its tool calls.
    Assistant {
        /// The text. It may be empty if there are calls.
        text: String,
        /// The calls. A [`ToolResult`](Self::ToolResult) follows for each.
        calls: Vec<RequestedCall>,
    },
    /// A note from neither the user nor the assistant.
    Note(String),
    /// The result of a tool call.
    ToolResult {
        /// The id of the call.
        call_id: String,
        /// The name of the tool.
        tool_name: String,
        /// JSON, or a sentence that describes the error.
        output: String,
    },
}

impl InputItem {
    /// Returns the length in characters.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::User(text) | Self::Note(text) => text.chars().count(),
            Self::Assistant { text, calls } => {
                let calls = calls.iter().map(RequestedCall::length);
                text.chars().count() + calls.sum::<usize>()
            }
            Self::ToolResult { output, .. } => output.chars().count(),
        }
    }
}

/// A tool call that the model requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedCall {
    /// The id that the model gave to the call, unique within the run.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// The arguments as the model wrote them. They should be a JSON object but need not be.
    pub arguments: String,
    /// Data that the model's server attached to the call or its message and expects back, as JSON
    /// text. Only the provider that wrote it reads it.
    pub provider_data: Option<String>,
}

impl RequestedCall {
    /// Returns the length in characters.
    pub(crate) fn length(&self) -> usize {
        let data = self.provider_data.as_deref().unwrap_or_default();
        let names = self.call_id.len() + self.tool_name.len();
        self.arguments.chars().count() + data.chars().count() + names
    }
}

/// A part of a model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text of the answer.
    TextDelta(String),
    /// More of the reasoning that the model shows. It is not part of the answer.
    ReasoningDelta(String),
    /// The model is producing output that is shown only when it is complete, such as the arguments
    /// of a call. This event only proves that the model is active.
    Working,
    /// A complete tool call.
    ToolCall(RequestedCall),
    /// The token usage of the request.
    Usage(Usage),
    /// The answer ended without a failure.
    Finished(FinishReason),
}

impl ModelEvent {
    /// Returns the length of the texts in bytes.
    #[cfg(any(all(test, feature = "openai"), feature = "fuzzing"))]
    fn text_bytes(&self) -> usize {
        match self {
            Self::TextDelta(text) | Self::ReasoningDelta(text) => text.len(),
            Self::ToolCall(call) => call.arguments.len(),
            Self::Working | Self::Usage(_) | Self::Finished(_) => 0,
        }
    }
}

/// The reason why a model ended its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinishReason {
    /// The answer is complete, or the model requests tools.
    #[default]
    Stop,
    /// The answer reached the maximum number of tokens.
    Length,
    /// The model's server withheld the rest.
    ContentFilter,
}

/// The reason why a model did not answer. These texts go to the log. Users see the error of the
/// run.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The server could not be reached, failed, sent an invalid answer, or cut it off.
    #[error("the model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses the input for an unknown reason.
    #[error("the model's server rejected the request")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses the key, does not know the model, or refuses something that every request
    /// contains.
    #[error("the model is not available; check {setting}")]
    Unavailable {
        /// The setting to check first.
        setting: &'static str,
        /// The refusal of the server.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refuses one of the caller's [`Sampling`] parameters.
    #[error("the model refuses the parameter {parameter}")]
    ParameterRefused {
        /// The name of the parameter.
        parameter: &'static str,
    },
    /// The model's filter refuses the input.
    #[error("the model's content filter refused the input")]
    ContentFiltered,
    /// The server asks to retry later.
    #[error("the model is overloaded")]
    Overloaded {
        /// The delay that the server requests.
        retry_after: Option<Duration>,
    },
    /// The model was silent for too long.
    #[error("the model was silent for too long")]
    TimedOut,
    /// The input is too long for the model.
    #[error("the input is too long for the model")]
    ContextTooLong,
}
