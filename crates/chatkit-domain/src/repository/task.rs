use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Caller, RepositoryError, Task, TaskFilter, TaskText};

/// Keeps the tasks of the built-in tools.
///
/// # Errors
/// Methods that take a task's number: `NotFound` when the caller has no such task.
#[async_trait]
pub trait TaskRepository: std::fmt::Debug + Send + Sync {
    /// Adds a task under the caller's next number.
    async fn insert(
        &self,
        caller: &Caller,
        title: TaskText,
        description: Option<TaskText>,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError>;

    /// The caller's tasks by number, at most `limit`, and how many there are in all.
    async fn list(
        &self,
        caller: &Caller,
        filter: TaskFilter,
        limit: u32,
    ) -> Result<(Vec<Task>, u64), RepositoryError>;

    /// Changes a task.
    async fn update(
        &self,
        caller: &Caller,
        number: u64,
        changes: TaskChanges,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError>;

    /// Removes a task for good and returns what it was.
    async fn delete(&self, caller: &Caller, number: u64) -> Result<Task, RepositoryError>;
}

/// What to change of a task; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// A new title.
    pub title: Option<TaskText>,
    /// A new description.
    pub description: Option<TaskText>,
    /// Done, or to be done again.
    pub completed: Option<bool>,
}
