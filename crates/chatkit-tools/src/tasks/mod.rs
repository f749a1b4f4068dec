//! The built-in tools: a task list per user.

mod add;
mod complete;
mod delete;
mod list;
mod output;
mod update;

use std::sync::Arc;

use chatkit_domain::TaskRepository;

pub use self::{
    add::AddTask,
    complete::CompleteTask,
    delete::DeleteTask,
    list::ListTasks,
    output::{ChangedTask, TaskOutput},
    update::UpdateTask,
};
use crate::{RegistryError, ToolRegistry};

/// Adds the five task tools to a registry.
///
/// # Errors
/// [`RegistryError`] if one of their names is taken.
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
