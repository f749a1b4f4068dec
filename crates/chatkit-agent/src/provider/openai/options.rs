//! The options of the provider.

use std::{fmt, time::Duration};

/// The API of a server that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenAiApi {
    /// Chat completions, which every compatible server speaks.
    #[default]
    ChatCompletions,
    /// The Responses API, where reasoning models return summaries of their reasoning.
    Responses,
}

impl OpenAiApi {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Responses => "/responses",
        }
    }
}

/// Where the models are, and how to reach them.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The API to use.
    pub api: OpenAiApi,
    /// The API's base, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key. Without one no `Authorization` header is sent.
    pub api_key: Option<String>,
    /// The longest silence before or between the parts of an answer.
    pub silence: Duration,
    /// Parts that the operator knows the server refuses. Other refusals are detected automatically.
    pub refused: RefusedForms,
}

/// Forms of a request that a server is known to refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedForms {
    /// Omits tools. Earlier calls are sent as text.
    pub tools: bool,
    /// `stream_options` is not sent, so usage may be estimated.
    pub stream_options: bool,
    /// Neighboring messages of one role are joined.
    pub neighbors: bool,
}

impl fmt::Debug for OpenAiOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenAiOptions")
            .field("api", &self.api)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
