//! The sentences of the answers.

use serde_json::Value;

use crate::{
    intent::Filter,
    tools::{LIST_TASKS, MOST_AT_ONCE, ToolResult},
};

const EXAMPLES: &str = "\
- Add a task to buy groceries
- Show me all my tasks
- Mark task 1 as complete
- Rename task 1 to \"Buy organic milk\"
- Delete task 1";

pub(crate) fn greeting() -> String {
    format!("Hello! I look after your task list. You can say, for example:\n\n{EXAMPLES}")
}

pub(crate) fn help() -> String {
    format!(
        "I am a small set of built-in rules, not a language model: no model is configured on \
         this server. I look after your task list. You can say, for example:\n\n{EXAMPLES}"
    )
}

pub(crate) fn unknown() -> String {
    format!(
        "Sorry, I did not understand that. I am a small set of built-in rules and can only look \
         after your task list. You can say, for example:\n\n{EXAMPLES}"
    )
}

pub(crate) const THANKS: &str = "You're welcome!";

pub(crate) const CANNOT_REOPEN: &str =
    "Sorry, I cannot mark a task as not done again. You can add it as a new task.";

pub(crate) const CANNOT_CHANGE_ALL: &str =
    "To be safe I delete and change tasks only by number or title. Which ones do you mean?";

pub(crate) const WHICH_ONE: &str = "Which task do you mean? Tell me its number or its title.";

pub(crate) fn too_many() -> String {
    format!("That is too much for me at once: at most {MOST_AT_ONCE} tasks, please.")
}

pub(crate) const NO_TOOLS: &str = "Sorry, the task list is not available here.";

pub(crate) const NOTHING_TO_COMPLETE: &str = "There is nothing left to do: no task is pending.";

pub(crate) fn no_such_title(title: &str, more: bool) -> String {
    if more {
        format!(
            "I could not find a task called \"{title}\" among the first 100. Tell me its number."
        )
    } else {
        format!("I could not find a task called \"{title}\".")
    }
}

pub(crate) fn which_of(title: &str, tasks: &[&Value]) -> String {
    let lines: Vec<String> = tasks.iter().map(|task| line(task)).collect();
    format!(
        "Which task do you mean by \"{title}\"? Tell me its number:\n\n{}",
        lines.join("\n")
    )
}

/// Reports each tool call on a line of its own, and the number of tasks that remain.
pub(crate) fn done(results: &[ToolResult<'_>], left: u64) -> String {
    let mut lines: Vec<String> = results
        .iter()
        // A list that only served to find a task by title is not reported.
        .filter(|result| result.tool_name != LIST_TASKS || result.output.is_err())
        .map(sentence)
        .collect();
    if left > 0 {
        lines.push(format!("{left} more are left: say it again to go on."));
    }
    lines.join("\n")
}

/// Shows a list of tasks.
pub(crate) fn tasks(list: &Value, filter: Filter) -> String {
    let empty = Vec::new();
    let tasks = list["tasks"].as_array().unwrap_or(&empty);
    let count = list["count"].as_u64().unwrap_or(tasks.len() as u64);
    let kind = match filter {
        Filter::All => "",
        Filter::Pending => "pending ",
        Filter::Completed => "completed ",
    };
    match count {
        0 if filter == Filter::All => {
            "Your task list is empty. Say \"Add a task to …\" to begin.".to_owned()
        }
        0 => format!("You have no {kind}tasks."),
        _ => {
            let noun = if count == 1 { "task" } else { "tasks" };
            let lines: Vec<String> = tasks.iter().map(line).collect();
            let rest = count.saturating_sub(tasks.len() as u64);
            let more = if rest > 0 {
                format!("\n\n… and {rest} more.")
            } else {
                String::new()
            };
            format!(
                "You have {count} {kind}{noun}:\n\n{}{more}",
                lines.join("\n")
            )
        }
    }
}

fn sentence(result: &ToolResult<'_>) -> String {
    let output = match &result.output {
        Ok(output) => output,
        Err(reason) => return format!("That did not work: {reason}"),
    };
    let task = &output["task"];
    let number = &task["number"];
    let title = task["title"].as_str().unwrap_or_default();
    match result.tool_name {
        "add_task" => format!("Task created: {title} (task {number})."),
        "complete_task" => format!("Task {number} is complete: {title}."),
        "update_task" => match task["description"].as_str() {
            Some(description) => format!("Task {number} updated: {title} ({description})."),
            None => format!("Task {number} updated: {title}."),
        },
        "delete_task" => format!("Task {number} deleted: {title}."),
        other => format!("Done: {other}."),
    }
}

fn line(task: &Value) -> String {
    let number = &task["number"];
    let title = task["title"].as_str().unwrap_or_default();
    let description = task["description"]
        .as_str()
        .map_or_else(String::new, |text| format!(" ({})", cut(text)));
    let done = if task["completed"] == true {
        " ✓"
    } else {
        ""
    };
    format!("- {number}: {title}{description}{done}")
}

/// Shortens a description for a list.
fn cut(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((index, _)) => format!("{}…", &text[..index]),
        None => text.to_owned(),
    }
}
