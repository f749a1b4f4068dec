use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{RepositoryError, UserId};

/// The connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// The number of idle connections.
    pub idle: u32,
    /// The number of connections in use.
    pub busy: u32,
    /// The most connections, idle and busy together.
    pub max: u32,
}

/// The counts of what was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The number of conversations.
    pub conversations: u64,
    /// The number of tasks.
    pub tasks: u64,
}

/// Maintenance of the store: checks, purging, erasing.
#[async_trait]
pub trait Maintenance: std::fmt::Debug + Send + Sync {
    /// Checks that the store answers and has the schema that this code was built for.
    async fn check(&self) -> Result<(), RepositoryError>;

    /// Ends every connection. For SQLite, first moves the write-ahead log to the database file. No
    /// call may follow.
    async fn close(&self);

    /// Counts the connections to the database. All zero for a store without connections.
    fn connections(&self) -> Connections {
        Connections::default()
    }

    /// Permanently removes up to `limit` conversations that were deleted before `before`, with
    /// everything in them. Returns their number.
    async fn purge_deleted(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError>;

    /// Permanently removes everything that belongs to one user.
    async fn erase_user(&self, user_id: &UserId) -> Result<Erased, RepositoryError>;
}
