use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::TaskRepository;
use schemars::JsonSchema;
use serde::Deserialize;

use super::output::{ChangedTask, failed_for};
use crate::{Tool, ToolContext, ToolError};

/// Deletes a task.
#[derive(Debug)]
pub struct DeleteTask {
    tasks: Arc<dyn TaskRepository>,
}

impl DeleteTask {
    /// Creates the tool for this repository.
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }
}

/// The arguments of `delete_task`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTaskArguments {
    /// The task's number.
    task_number: u64,
}

#[async_trait]
impl Tool for DeleteTask {
    type Arguments = DeleteTaskArguments;
    type Output = ChangedTask;

    fn name(&self) -> &str {
        "delete_task"
    }

    fn description(&self) -> &str {
        "Deletes one of the user's tasks for good. Returns the task as it was."
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: DeleteTaskArguments,
    ) -> Result<ChangedTask, ToolError> {
        let number = arguments.task_number;
        self.tasks
            .delete(&context.caller, number)
            .await
            .map(ChangedTask::from)
            .map_err(failed_for(number))
    }
}
