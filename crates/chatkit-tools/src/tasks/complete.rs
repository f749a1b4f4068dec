use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::{TaskChanges, TaskRepository};
use schemars::JsonSchema;
use serde::Deserialize;

use super::output::{ChangedTask, failed_for};
use crate::{Tool, ToolContext, ToolError};

/// Marks a task as done.
#[derive(Debug)]
pub struct CompleteTask {
    tasks: Arc<dyn TaskRepository>,
}

impl CompleteTask {
    /// Creates the tool for this repository.
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }
}

/// The arguments of `complete_task`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteTaskArguments {
    /// The task's number.
    task_number: u64,
}

#[async_trait]
impl Tool for CompleteTask {
    type Arguments = CompleteTaskArguments;
    type Output = ChangedTask;

    fn name(&self) -> &str {
        "complete_task"
    }

    fn description(&self) -> &str {
        "Marks one of the user's tasks as done."
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: CompleteTaskArguments,
    ) -> Result<ChangedTask, ToolError> {
        let number = arguments.task_number;
        let changes = TaskChanges {
            completed: Some(true),
            ..TaskChanges::default()
        };
        self.tasks
            .update(&context.caller, number, changes, context.clock.now())
            .await
            .map(ChangedTask::from)
            .map_err(failed_for(number))
    }
}
