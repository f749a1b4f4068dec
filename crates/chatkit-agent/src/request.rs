//! Requests for runs.

use chatkit_domain::{Dialect, Idempotency, ItemId, MessageDetails, MessageText, RunTarget};

use crate::provider::Sampling;

/// A request to start a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartRun {
    /// The conversation, which may be a new one.
    pub target: RunTarget,
    /// The message to answer.
    pub input: StartInput,
    /// The API through which the run was requested.
    pub dialect: Dialect,
    /// The caller's idempotency key for this turn.
    pub idempotency: Option<Idempotency>,
    /// The options of this run, which override the settings.
    pub options: RunOptions,
}

impl StartRun {
    /// Creates a request without an idempotency key and with default options.
    #[must_use]
    pub fn new(target: RunTarget, input: StartInput, dialect: Dialect) -> Self {
        Self {
            target,
            input,
            dialect,
            idempotency: None,
            options: RunOptions::default(),
        }
    }

    /// Sets the caller's idempotency key for this turn, if there is one.
    #[must_use]
    pub fn with_idempotency(mut self, idempotency: Option<Idempotency>) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Sets the options of this run.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }
}

/// The message that a run answers.
#[derive(Clone, Debug)]
pub enum StartInput {
    /// A new message, and the details that its dialect stores besides the text.
    Message(MessageText, Option<Box<MessageDetails>>),
    /// A user message of the history, which is answered again.
    Regenerate(ItemId),
}

/// The options of a run, which override the settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The model, if it is not the default one.
    pub model: Option<String>,
    /// Instructions for this turn. They follow the instructions of the settings.
    pub instructions: String,
    /// The language of the user's interface (RFC 5646).
    pub locale: Option<String>,
    /// The parameters with which the model chooses words.
    pub sampling: Sampling,
    /// A tool that the model must call first.
    pub tool: Option<String>,
}

impl RunOptions {
    /// Creates options that override nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the model. `None` is the default one.
    #[must_use]
    pub fn with_model(mut self, model: Option<String>) -> Self {
        self.model = model;
        self
    }

    /// Sets the instructions for this turn.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = instructions.into();
        self
    }

    /// Sets the language of the user's interface (RFC 5646).
    #[must_use]
    pub fn with_locale(mut self, locale: Option<String>) -> Self {
        self.locale = locale;
        self
    }

    /// Sets the parameters with which the model chooses words.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Sets the tool that the model must call first.
    #[must_use]
    pub fn with_tool(mut self, tool: Option<String>) -> Self {
        self.tool = tool;
        self
    }
}
