//! What answers a model request.

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

/// Answers model requests: an OpenAI-compatible API, or the built-in [`rules`].
#[async_trait]
pub trait Provider: Debug + Send + Sync {
    /// Begins to answer. Dropping the stream stops the answer.
    ///
    /// # Errors
    /// [`ProviderError`], before the first event; later ones come in the stream.
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError>;
}

/// The events of one answer, in order. It must end with [`ModelEvent::Finished`]: an answer
/// that ends without it was cut off.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, ProviderError>>;

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The model's name.
    pub model: String,
    /// The system prompt.
    pub instructions: String,
    /// The conversation so far, oldest first; it ends with the new message or with tool results.
    pub input: Vec<InputItem>,
    /// The tools that the model knows.
    pub tools: Arc<[ToolDefinition]>,
    /// The tools that it may call.
    pub tool_choice: ToolChoice,
    /// How it should choose its words.
    pub sampling: Sampling,
    /// The same for every request of a conversation, so that a provider can route them to one
    /// prompt cache.
    pub cache_key: String,
}

/// The tools that a model may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// Any, or none.
    #[default]
    Auto,
    /// No tool, because the run's rounds are used up. The tools are still sent: some servers refuse
    /// a history with tool calls without them.
    None,
    /// The model must call this tool.
    Tool(String),
}

/// How a model should choose its words; what is `None` is left to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sampling {
    /// From 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// From 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Most tokens of an answer, for servers that know this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Most tokens of an answer, by its newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// Texts before which the answer ends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Makes answers repeatable where the model can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
}

impl Sampling {
    /// The names of the parameters that are set.
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

/// One entry of the conversation as a model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputItem {
    /// What the user said.
    User(String),
    /// The assistant's text of one round, and the calls that followed it.
    Assistant {
        /// The text; may be empty if there are calls.
        text: String,
        /// The calls. A [`ToolResult`](Self::ToolResult) for each follows.
        calls: Vec<RequestedCall>,
    },
    /// A note that neither of them said.
    Note(String),
    /// What one of them gave back.
    ToolResult {
        /// The call it answers.
        call_id: String,
        /// The tool.
        tool_name: String,
        /// JSON, or a sentence that tells what went wrong.
        output: String,
    },
}

impl InputItem {
    /// Its length in characters.
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

/// A tool call that a model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedCall {
    /// The model's id for it, unique within its run.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// The arguments as the model wrote them; a JSON object when it did well.
    pub arguments: String,
    /// Data that the model's server attached to the call or its message and wants back, as JSON
    /// text. Only the provider that wrote it reads it.
    pub provider_data: Option<String>,
}

impl RequestedCall {
    /// Its length in characters.
    pub(crate) fn length(&self) -> usize {
        let data = self.provider_data.as_deref().unwrap_or_default();
        let names = self.call_id.len() + self.tool_name.len();
        self.arguments.chars().count() + data.chars().count() + names
    }
}

/// A part of a model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text.
    TextDelta(String),
    /// More of the reasoning that the model shows, which is no part of the answer.
    ReasoningDelta(String),
    /// The model is producing output that is shown only when complete, such as the
    /// arguments of a call. It only proves that the model is alive.
    Working,
    /// A tool call, whole.
    ToolCall(RequestedCall),
    /// What the request cost.
    Usage(Usage),
    /// The answer is whole, or ended for another reason than a failure.
    Finished(FinishReason),
}

impl ModelEvent {
    /// The length of its texts in bytes.
    #[cfg(any(all(test, feature = "openai"), feature = "fuzzing"))]
    fn text_bytes(&self) -> usize {
        match self {
            Self::TextDelta(text) | Self::ReasoningDelta(text) => text.len(),
            Self::ToolCall(call) => call.arguments.len(),
            Self::Working | Self::Usage(_) | Self::Finished(_) => 0,
        }
    }
}

/// Why a model ended its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinishReason {
    /// It had said all, or wants tools called.
    #[default]
    Stop,
    /// It came to the most tokens that it may write.
    Length,
    /// Its server withheld the rest.
    ContentFilter,
}

/// Why a model did not answer. The texts go to the log; users see the run's error.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It was unreachable, refused, answered nonsense or was cut off.
    #[error("the model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its server refuses the input, for a reason that is not known.
    #[error("the model's server rejected the request")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its server refuses the key, does not know the model, or refuses what is always sent.
    #[error("the model is not available; check {setting}")]
    Unavailable {
        /// The setting to check first.
        setting: &'static str,
        /// The server's refusal.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It refuses one of the caller's [`Sampling`] parameters.
    #[error("the model refuses the parameter {parameter}")]
    ParameterRefused {
        /// The name of the parameter.
        parameter: &'static str,
    },
    /// The model's filter refuses the input.
    #[error("the model's content filter refused the input")]
    ContentFiltered,
    /// It asks to come back later.
    #[error("the model is overloaded")]
    Overloaded {
        /// After what time.
        retry_after: Option<Duration>,
    },
    /// It was silent for too long.
    #[error("the model was silent for too long")]
    TimedOut,
    /// It was given more than it can read.
    #[error("the input is too long for the model")]
    ContextTooLong,
}
