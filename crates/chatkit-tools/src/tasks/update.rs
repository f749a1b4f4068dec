use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::{TaskChanges, TaskRepository, TaskText};
use schemars::JsonSchema;
use serde::Deserialize;

use super::output::{ChangedTask, failed_for, invalid};
use crate::{Tool, ToolContext, ToolError};

/// Changes a task's title or description.
#[derive(Debug)]
pub struct UpdateTask {
    tasks: Arc<dyn TaskRepository>,
}

impl UpdateTask {
    /// Creates the tool for this repository.
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }
}

/// The arguments of `update_task`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTaskArguments {
    /// The task's number.
    task_number: u64,
    /// A new title, at most 200 characters.
    title: Option<String>,
    /// A new description, at most 2,000 characters.
    description: Option<String>,
}

#[async_trait]
impl Tool for UpdateTask {
    type Arguments = UpdateTaskArguments;
    type Output = ChangedTask;

    fn name(&self) -> &str {
        "update_task"
    }

    fn description(&self) -> &str {
        "Changes the title or the description of one of the user's tasks."
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: UpdateTaskArguments,
    ) -> Result<ChangedTask, ToolError> {
        let number = arguments.task_number;
        let changes = TaskChanges {
            title: arguments
                .title
                .map(|text| TaskText::title(&text).map_err(invalid("title")))
                .transpose()?,
            description: arguments
                .description
                .map(|text| TaskText::description(&text).map_err(invalid("description")))
                .transpose()?,
            completed: None,
        };
        if changes == TaskChanges::default() {
            return Err(ToolError::Refused(
                "Wrong arguments: give a `title`, a `description` or both.".to_owned(),
            ));
        }
        self.tasks
            .update(&context.caller, number, changes, context.clock.now())
            .await
            .map(ChangedTask::from)
            .map_err(failed_for(number))
    }
}
