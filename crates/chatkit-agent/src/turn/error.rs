//! Errors of a turn.

use chatkit_domain::RepositoryError;

/// The reason why a turn could not emit, store or read something.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The turn no longer belongs to this process. Nothing is left to do.
    #[error("the turn no longer belongs to this process")]
    Lost,
    /// The conversation was deleted.
    #[error("the conversation was deleted")]
    Deleted,
    /// The item or event is not the turn's to write: a user message, a malformed id, an item of
    /// another kind or another conversation, or an event of the thread itself.
    #[error("the item or event is not the turn's to write")]
    NotAllowed,
    /// The item or event exceeds [`MAX_ITEM_BYTES`](chatkit_domain::MAX_ITEM_BYTES).
    #[error("an item or an event is larger than 4 MiB")]
    TooLarge,
    /// The database was unavailable for too long.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed: a bug.
    #[error("the database operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RepositoryError> for TurnError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::NotFound(_) => Self::Deleted,
            RepositoryError::RunLost => Self::Lost,
            RepositoryError::WrongMessage => Self::NotAllowed,
            RepositoryError::TooLarge => Self::TooLarge,
            RepositoryError::Unavailable(cause) => Self::Unavailable(cause),
            RepositoryError::Failed(cause) => Self::Failed(cause),
            error @ (RepositoryError::RunActive { .. }
            | RepositoryError::TooManyRuns
            | RepositoryError::KeyReused) => Self::Failed(Box::new(error)),
        }
    }
}
