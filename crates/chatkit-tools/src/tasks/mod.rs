//! The built-in tools: a small task list of the user's own.

mod add;
mod complete;
mod delete;
mod list;
mod update;

use std::sync::Arc;

use chatkit_domain::{InvalidValue, RepositoryError, Task, TaskRepository};
use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    add::AddTask, complete::CompleteTask, delete::DeleteTask, list::ListTasks, update::UpdateTask,
};
use crate::{RegistryError, ToolError, ToolRegistry};

/// Adds the five task tools to a registry.
///
/// # Errors
/// [`RegistryError`] when one of their names is taken.
pub fn register(
    registry: &mut ToolRegistry,
    tasks: &Arc<dyn TaskRepository>,
) -> Result<(), RegistryError> {
    registry.register(AddTask::new(tasks.clone()))?;
    registry.register(CompleteTask::new(tasks.clone()))?;
    registry.register(DeleteTask::new(tasks.clone()))?;
    registry.register(ListTasks::new(tasks.clone()))?;
    registry.register(UpdateTask::new(tasks.clone()))
}

/// A task as the tools show it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskOutput {
    /// Its number.
    pub number: u64,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// Whether it is done.
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

/// The task that a tool changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangedTask {
    /// The task as it is now, or as it was before it was deleted.
    pub task: TaskOutput,
}

impl From<Task> for ChangedTask {
    fn from(task: Task) -> Self {
        Self { task: task.into() }
    }
}

fn invalid(field: &str) -> impl FnOnce(InvalidValue) -> ToolError {
    move |reason| ToolError::Refused(format!("Wrong arguments: `{field}` {reason}."))
}

/// What a repository's failure means to a tool that was asked for this task.
fn failed_for(number: u64) -> impl FnOnce(RepositoryError) -> ToolError {
    move |error| match error {
        RepositoryError::NotFound(_) => ToolError::Refused(format!("There is no task {number}.")),
        error => ToolError::Failed(Box::new(error)),
    }
}

fn failed(error: RepositoryError) -> ToolError {
    ToolError::Failed(Box::new(error))
}
