//! Requests for runs.

use chatkit_domain::{Dialect, Idempotency, ItemId, MessageDetails, MessageText, RunTarget};

use crate::provider::Sampling;

/// A run to start.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// The conversation.
    pub target: RunTarget,
    /// The message to answer.
    pub input: StartInput,
    /// The API that starts the run.
    pub dialect: Dialect,
    /// The caller's key for this turn.
    pub idempotency: Option<Idempotency>,
    /// Differences from the settings.
    pub options: RunOptions,
}

impl StartRun {
    /// A run without an idempotency key, with the settings' options.
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
}

/// The message that a run answers.
#[derive(Clone, Debug)]
pub enum StartInput {
    /// A new message, and what its dialect stores besides the text.
    Message(MessageText, Option<Box<MessageDetails>>),
    /// A user message of the history.
    Regenerate(ItemId),
}

/// Differences of one run from the settings.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Another model than the default one.
    pub model: Option<String>,
    /// Instructions for this turn, after those of the settings.
    pub instructions: String,
    /// The language of the user's interface (RFC 5646).
    pub locale: Option<String>,
    /// Parameters for how the model chooses words.
    pub sampling: Sampling,
    /// A tool that the model must call first.
    pub tool: Option<String>,
}
