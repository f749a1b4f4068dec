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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct RefusedForms {
    /// Omits tools. Earlier calls are sent as text.
    pub tools: bool,
    /// Omits `stream_options`, so the usage may be estimated.
    pub stream_options: bool,
    /// Joins adjacent messages of the same role.
    pub neighbors: bool,
}

impl OpenAiOptions {
    /// Creates options for the chat completions under this base URL, such as
    /// `https://api.openai.com/v1`, without a key.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            api: OpenAiApi::default(),
            base_url: base_url.into(),
            api_key: None,
            silence: Duration::from_secs(120),
            refused: RefusedForms::default(),
        }
    }

    /// Sets the API. The default is chat completions.
    #[must_use]
    pub fn with_api(mut self, api: OpenAiApi) -> Self {
        self.api = api;
        self
    }

    /// Sets the API key. `None` sends no `Authorization` header.
    #[must_use]
    pub fn with_api_key(mut self, api_key: Option<String>) -> Self {
        self.api_key = api_key;
        self
    }

    /// Sets how long the server may be silent. The default is 120 seconds.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Sets the forms of requests that the server is known to refuse.
    #[must_use]
    pub fn with_refused(mut self, refused: RefusedForms) -> Self {
        self.refused = refused;
        self
    }
}

impl RefusedForms {
    /// Creates forms of which none is known to be refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the server refuses tools.
    #[must_use]
    pub fn with_tools(mut self, tools: bool) -> Self {
        self.tools = tools;
        self
    }

    /// Sets whether the server refuses `stream_options`.
    #[must_use]
    pub fn with_stream_options(mut self, stream_options: bool) -> Self {
        self.stream_options = stream_options;
        self
    }

    /// Sets whether the server refuses adjacent messages of the same role.
    #[must_use]
    pub fn with_neighbors(mut self, neighbors: bool) -> Self {
        self.neighbors = neighbors;
        self
    }
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
