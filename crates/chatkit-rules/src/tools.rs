//! The tools that the rules call, and their results.

use serde_json::Value;

/// The name of the tool that lists tasks.
pub(crate) const LIST_TASKS: &str = "list_tasks";

/// The maximum number of tasks that one request changes.
pub(crate) const MOST_AT_ONCE: usize = 20;

/// The result of a tool call in this run.
#[derive(Debug)]
pub(crate) struct ToolResult<'a> {
    pub(crate) tool_name: &'a str,
    /// The JSON that the tool returned, or its error message.
    pub(crate) output: Result<Value, &'a str>,
}
