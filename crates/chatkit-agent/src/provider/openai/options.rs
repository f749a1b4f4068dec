//! The options of the provider.

use std::{fmt, time::Duration};

/// The API of the model server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenAiApi {
    /// Chat completions, which every compatible server supports.
    #[default]
    ChatCompletions,
    /// The Responses API, in which reasoning models return summaries of their reasoning.
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

/// The address of the model server, and how to use it.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The API to use.
    pub api: OpenAiApi,
    /// The base URL of the API, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The API key. Without a key, requests have no `Authorization` header.
    pub api_key: Option<String>,
    /// How long the server may be silent before or between the parts of an answer.
    pub silence: Duration,
    /// Forms of requests that the operator knows the server refuses. Other refusals are detected
    /// automatically.
    pub refused: RefusedForms,
}

/// Forms of requests that a server is known to refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedForms {
    /// Omits tools. Earlier calls are sent as text.
    pub tools: bool,
    /// Omits `stream_options`, so the usage may be estimated.
    pub stream_options: bool,
    /// Joins adjacent messages of the same role.
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
