use std::sync::Arc;

use async_trait::async_trait;
use chatkit_domain::{TaskFilter, TaskRepository};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::output::{TaskOutput, failed};
use crate::{Tool, ToolContext, ToolError};

/// The maximum number of tasks in a result.
const LIMIT: u32 = 100;

/// Lists tasks.
#[derive(Debug)]
pub struct ListTasks {
    tasks: Arc<dyn TaskRepository>,
}

impl ListTasks {
    /// Creates the tool for this repository.
    pub fn new(tasks: Arc<dyn TaskRepository>) -> Self {
        Self { tasks }
    }
}

/// The arguments of `list_tasks`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTasksArguments {
    /// Which tasks to list; all when left out.
    status: Option<Status>,
}

/// Which tasks to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    All,
    Pending,
    Completed,
}

/// The result of `list_tasks`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskList {
    /// The first 100 tasks, ordered by number.
    tasks: Vec<TaskOutput>,
    /// The number of all matching tasks.
    count: u64,
}

#[async_trait]
impl Tool for ListTasks {
    type Arguments = ListTasksArguments;
    type Output = TaskList;

    fn name(&self) -> &str {
        "list_tasks"
    }

    fn description(&self) -> &str {
        "Lists the user's tasks with their numbers: at most 100, and the count of all."
    }

    fn is_read_only(&self) -> bool {
        true
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: ListTasksArguments,
    ) -> Result<TaskList, ToolError> {
        let filter = match arguments.status {
            None | Some(Status::All) => TaskFilter::All,
            Some(Status::Pending) => TaskFilter::Pending,
            Some(Status::Completed) => TaskFilter::Completed,
        };
        let chatkit_domain::TaskList { tasks, count } = self
            .tasks
            .list(&context.caller, filter, LIMIT)
            .await
            .map_err(failed)?;
        Ok(TaskList {
            tasks: tasks.into_iter().map(TaskOutput::from).collect(),
            count,
        })
    }
}
