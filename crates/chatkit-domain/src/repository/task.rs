use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Caller, RepositoryError, Task, TaskFilter, TaskText};

/// Stores the tasks of the built-in tools.
///
/// # Errors
/// Methods that take a task's number: `NotFound(Task)` if the caller has no such task.
#[async_trait]
pub trait TaskRepository: std::fmt::Debug + Send + Sync {
    /// Adds a task with the caller's next number.
    async fn insert(
        &self,
        caller: &Caller,
        title: TaskText,
        description: Option<TaskText>,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError>;

    /// Lists the caller's tasks by number, at most `limit`.
    async fn list(
        &self,
        caller: &Caller,
        filter: TaskFilter,
        limit: u32,
    ) -> Result<TaskList, RepositoryError>;

    /// Changes a task.
    async fn update(
        &self,
        caller: &Caller,
        number: u64,
        changes: TaskChanges,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError>;

    /// Permanently removes a task. Returns the task as it was.
    async fn delete(&self, caller: &Caller, number: u64) -> Result<Task, RepositoryError>;
}

/// Tasks of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskList {
    /// The tasks, by number.
    pub tasks: Vec<Task>,
    /// The number of tasks that match, listed or not.
    pub count: u64,
}

/// The changes of a task. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// The new title.
    pub title: Option<TaskText>,
    /// The new description.
    pub description: Option<TaskText>,
    /// Whether the task is done.
    pub completed: Option<bool>,
}
