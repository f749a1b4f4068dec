use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{RepositoryError, RunId, UserId};

/// Connections to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Those that wait for something to do.
    pub idle: u32,
    /// Those that do something.
    pub busy: u32,
    /// How many there may be at most, idle and busy together.
    pub max: u32,
}

/// What the server does in nobody's name: closing, purging, erasing.
#[async_trait]
pub trait Maintenance: std::fmt::Debug + Send + Sync {
    /// Whether the database answers and its schema is the one this code was built for.
    async fn check(&self) -> Result<(), RepositoryError>;

    /// Ends every connection; what SQLite still holds in its log goes to the database's file.
    /// Nothing can be asked afterwards.
    async fn close(&self);

    /// How many connections to the database there are; none where that means nothing.
    fn connections(&self) -> Connections {
        Connections::default()
    }

    /// Closes one run whose lease ran out, as interrupted; its running tool calls become
    /// `unknown`. `None` when there is none.
    async fn close_expired_run(&self, now: DateTime<Utc>)
    -> Result<Option<RunId>, RepositoryError>;

    /// Removes for good up to `limit` conversations that were deleted before `before`, with
    /// everything in them. Returns how many.
    async fn purge_deleted(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError>;

    /// Removes for good everything of one user. Returns how many conversations and tasks.
    async fn erase_user(&self, user_id: &UserId) -> Result<(u64, u64), RepositoryError>;
}
