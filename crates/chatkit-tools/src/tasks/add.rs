use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::{TaskRepository, TaskText};
use schemars::JsonSchema;
use serde::Deserialize;

use super::output::{ChangedTask, failed, invalid};
use crate::{Tool, ToolContext, ToolError};

/// Adds a task.
#[derive(Debug)]
pub struct AddTask {
    tasks: Arc<dyn TaskRepository>,
}

impl AddTask {
    /// Creates the tool for this repository.
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }
}

/// The arguments of `add_task`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTaskArguments {
    /// What is to be done, at most 200 characters.
    title: String,
    /// More about it, at most 2,000 characters.
    description: Option<String>,
}

#[async_trait]
impl Tool for AddTask {
    type Arguments = AddTaskArguments;
    type Output = ChangedTask;

    fn name(&self) -> &str {
        "add_task"
    }

    fn description(&self) -> &str {
        "Adds a task to the user's task list. Returns the task with its number."
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: AddTaskArguments,
    ) -> Result<ChangedTask, ToolError> {
        let title = TaskText::title(&arguments.title).map_err(invalid("title"))?;
        let description = arguments
            .description
            .map(|text| TaskText::description(&text).map_err(invalid("description")))
            .transpose()?;
        self.tasks
            .insert(&context.caller, title, description, context.clock.now())
            .await
            .map(ChangedTask::from)
            .map_err(failed)
    }
}
