//! The types that the readers of both APIs return.

use super::refusal::Refusal;
use crate::provider::{FinishReason, ModelEvent, ProviderError};

/// The error of an answer that failed or ended early.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server sent an error.
    Refused(Box<Refusal>),
    /// The server could not be reached, or the answer was cut off or is invalid.
    Failed(ProviderError),
}

impl From<Refusal> for Broken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// The progress of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// More output follows.
    Open,
    /// The finish reason has arrived. Only the usage may follow.
    Finished,
    /// A finish reason has arrived together with output, or output followed it. More output may
    /// follow.
    Doubtful,
    /// The usage has arrived too. Only the end marker may follow.
    Settled,
    /// Nothing follows.
    Ended,
}

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Reasoning(String),
    /// Output that is shown only when it is complete.
    Working,
}

/// Returns the error for a malformed answer. The reason is logged, so it must not quote the answer.
pub(super) fn garbage(what: &'static str) -> ProviderError {
    ProviderError::Failed(what.into())
}

impl From<ProviderError> for Broken {
    fn from(error: ProviderError) -> Self {
        Self::Failed(error)
    }
}

/// The output of one event.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    /// Whether the texts may contain halves of surrogate pairs.
    pub(super) has_halves: bool,
}

/// The output at the end of an answer.
pub(super) type Ending = (Vec<ModelEvent>, Option<chatkit_domain::Usage>, FinishReason);
