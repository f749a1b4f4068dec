use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{NumberedEvent, RepositoryError, RunId, UserId};

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

/// Up to where a run is followed: who follows it was let in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// The run.
    pub run_id: RunId,
    /// The last event that is known of it.
    pub after: u64,
}

/// What became known of a run that another process answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNews {
    /// The run.
    pub run_id: RunId,
    /// What was kept behind its cursor, oldest first.
    pub events: Vec<NumberedEvent>,
    /// Whether more may come.
    pub is_active: bool,
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

    /// What is new of these runs, in one step for all; a run that is missing in the answer is no
    /// more.
    async fn news(&self, cursors: &[EventCursor]) -> Result<Vec<RunNews>, RepositoryError>;

    /// Removes the events of runs that ended before `before`; what such a run left tells them again.
    /// Returns of how many runs.
    async fn sweep_events(&self, before: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Removes for good everything of one user. Returns how many conversations and tasks.
    async fn erase_user(&self, user_id: &UserId) -> Result<(u64, u64), RepositoryError>;
}
