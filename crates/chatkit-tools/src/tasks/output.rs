//! The results and errors that the task tools share.

use chatkit_domain::{InvalidValue, RepositoryError, Task};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ToolError;

/// A task in the result of a tool.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskOutput {
    /// The task's number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The description.
    pub description: Option<String>,
    /// Whether the task is done.
    pub completed: bool,
}

impl From<Task> for TaskOutput {
    fn from(task: Task) -> Self {
        let Task {
            number,
            title,
            description,
            completed,
            created_at: _,
            updated_at: _,
        } = task;
        Self {
            number,
            title,
            description,
            completed,
        }
    }
}

/// The result of a tool that changed a task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangedTask {
    /// The task after the change, or before its deletion.
    pub task: TaskOutput,
}

impl From<Task> for ChangedTask {
    fn from(task: Task) -> Self {
        Self { task: task.into() }
    }
}

pub(super) fn invalid(field: &str) -> impl FnOnce(InvalidValue) -> ToolError {
    move |reason| ToolError::Refused(format!("Wrong arguments: `{field}` {reason}."))
}

/// Converts an error of the repository for a call that named this task.
pub(super) fn failed_for(number: u64) -> impl FnOnce(RepositoryError) -> ToolError {
    move |error| match error {
        RepositoryError::NotFound(_) => ToolError::Refused(format!("There is no task {number}.")),
        error => ToolError::Failed(Box::new(error)),
    }
}

pub(super) fn failed(error: RepositoryError) -> ToolError {
    ToolError::Failed(Box::new(error))
}
