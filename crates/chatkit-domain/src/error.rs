//! Errors of repositories.

use crate::RunId;

/// Something that a caller can name and that a repository may not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A conversation.
    Conversation,
    /// A message or another item.
    Message,
    /// A run.
    Run,
    /// A task of the built-in tools.
    Task,
}

/// The reason why a repository did not carry out a call.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The resource does not exist, or it belongs to another user. The two are not distinguished.
    #[error("{0:?} not found")]
    NotFound(Resource),
    /// Another run is active in the conversation.
    #[error("a run is active in this conversation")]
    RunActive {
        /// The active run.
        run_id: RunId,
    },
    /// The user has as many active runs as are allowed.
    #[error("the user has too many active runs")]
    TooManyRuns,
    /// The message or item is of a kind that the call does not accept.
    #[error("the message is of the wrong kind")]
    WrongMessage,
    /// An item exceeds [`MAX_ITEM_BYTES`](crate::MAX_ITEM_BYTES).
    #[error("an item is larger than 4 MiB")]
    TooLarge,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The run has ended or belongs to another process. Nothing was written.
    #[error("the run no longer belongs to this process")]
    RunLost,
    /// The database is busy or unreachable. The same call may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused a statement or returned a row that this code never writes: a bug.
    #[error("the database operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
