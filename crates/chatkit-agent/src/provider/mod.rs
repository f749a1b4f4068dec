//! What answers a model request.

pub mod openai;
pub mod rules;

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
    /// The tools it may call; none when its rounds are used up.
    pub tools: Arc<[ToolDefinition]>,
    /// The one of them that it has to call.
    pub tool_choice: Option<String>,
    /// How it should choose its words.
    pub sampling: Sampling,
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

/// One entry of the conversation as a model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputItem {
    /// What the user said.
    User(String),
    /// What the assistant said.
    Assistant(String),
    /// A note that neither of them said.
    Note(String),
    /// The tools that the assistant called in one round.
    ToolCalls(Vec<RequestedCall>),
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
    /// How long it is, in characters.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::User(text) | Self::Assistant(text) | Self::Note(text) => text.chars().count(),
            Self::ToolCalls(calls) => calls
                .iter()
                .map(|call| call.arguments.chars().count())
                .sum(),
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
}

/// A part of a model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text.
    TextDelta(String),
    /// More of a summary of the model's reasoning, which is no part of the answer.
    ReasoningDelta(String),
    /// A tool call, whole.
    ToolCall(RequestedCall),
    /// What the request cost.
    Usage(Usage),
    /// The answer is whole, or ended for another reason than a failure.
    Finished(FinishReason),
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
    #[error("the conversation is too long for the model")]
    ContextTooLong,
}
