//! The errors of a turn.

use chatkit_domain::RepositoryError;

/// The reason why a turn could not emit, store or read something.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The turn no longer belongs to this process. The responder should return.
    #[error("the turn no longer belongs to this process")]
    Lost,
    /// The conversation was deleted.
    #[error("the conversation was deleted")]
    Deleted,
    /// The turn may not write the item or event. It is a user message, has a malformed id, has
    /// another kind, belongs to another conversation, or is an event of the thread itself.
    #[error("the turn may not write this item or event")]
    NotAllowed,
    /// The item or event exceeds [`MAX_ITEM_BYTES`](chatkit_domain::MAX_ITEM_BYTES).
    #[error("an item or an event is larger than 4 MiB")]
    TooLarge,
    /// The database was unavailable for too long.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database operation failed because of a bug.
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
