//! What can go wrong below the agent.

use std::borrow::Cow;

use crate::RunId;

/// Why a value from outside was refused, as a sentence that follows the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidValue {
    reason: Cow<'static, str>,
}

impl InvalidValue {
    /// A refusal with its reason, such as "must not be blank".
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// Why a repository did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// There is no such thing, or it is not the caller's; which of the two is never told.
    #[error("not found")]
    NotFound,
    /// The conversation is busy with this run.
    #[error("a run is active in this conversation")]
    RunActive {
        /// The run that is active.
        run_id: RunId,
    },
    /// The user has as many active runs as are allowed.
    #[error("the user has too many active runs")]
    TooManyRuns,
    /// What should be answered again, or rated, is not the kind of message that can be.
    #[error("not a message of the right kind")]
    WrongMessage,
    /// The idempotency key stands for another request.
    #[error("the idempotency key stands for another request")]
    KeyReused,
    /// The run has ended or belongs to another process now; nothing was written.
    #[error("the run is no longer this process's")]
    RunLost,
    /// The database is busy or out of reach; the same call may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused or answered what it never should: a bug.
    #[error("the database operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
