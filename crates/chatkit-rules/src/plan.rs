//! Plans the next step from the intent and the tool results so far.

use chatkit_agent::provider::RequestedCall;
use chatkit_domain::fold;
use serde_json::{Map, Value, json};

use crate::{
    intent::{Filter, Intent},
    phrasing,
    reference::Reference,
    tools::{LIST_TASKS, MOST_AT_ONCE, ToolResult},
};

/// The next step of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Say(String),
    Call(Vec<RequestedCall>),
}

/// Returns the next step. Without tools, it is always an answer.
pub(crate) fn next_step(asked: &Intent, results: &[ToolResult<'_>], has_tools: bool) -> Step {
    let list = match results {
        [only] if only.tool_name == LIST_TASKS => only.output.as_ref().ok(),
        _ => None,
    };
    match (results.is_empty(), list) {
        (true, _) => first_step(asked, has_tools),
        (false, None) => Step::Say(phrasing::done(results, remaining(asked, results))),
        (false, Some(list)) => after_listing(asked, list, has_tools),
    }
}

/// Returns the number of tasks that a request to complete all tasks left pending.
fn remaining(asked: &Intent, results: &[ToolResult<'_>]) -> u64 {
    let listed = results.first().and_then(|first| first.output.as_ref().ok());
    match (asked, listed) {
        (Intent::Complete(Reference::All), Some(list)) => list["count"]
            .as_u64()
            .unwrap_or_default()
            .saturating_sub(results.len() as u64 - 1),
        _ => 0,
    }
}

fn first_step(asked: &Intent, has_tools: bool) -> Step {
    let calls = match asked {
        Intent::Greeting => return say(phrasing::greeting()),
        Intent::Thanks => return say(phrasing::THANKS),
        Intent::Help => return say(phrasing::help()),
        Intent::Unknown => return say(phrasing::unknown()),
        Intent::Reopen => return say(phrasing::CANNOT_REOPEN),
        Intent::Delete(Reference::All)
        | Intent::Update {
            task: Reference::All,
            ..
        } => return say(phrasing::CANNOT_CHANGE_ALL),
        Intent::Add(tasks) if tasks.len() > MOST_AT_ONCE => return say(phrasing::too_many()),
        Intent::Complete(Reference::Numbers(numbers))
        | Intent::Delete(Reference::Numbers(numbers))
            if numbers.len() > MOST_AT_ONCE =>
        {
            return say(phrasing::too_many());
        }
        Intent::Complete(Reference::Title(title))
        | Intent::Delete(Reference::Title(title))
        | Intent::Update {
            task: Reference::Title(title),
            ..
        } if is_pronoun(title) => return say(phrasing::WHICH_ONE),
        Intent::Add(tasks) => tasks
            .iter()
            .map(|task| {
                arguments(
                    "title",
                    &task.title,
                    "description",
                    task.description.as_deref(),
                )
            })
            .map(|arguments| ("add_task", arguments))
            .collect(),
        Intent::List(filter) => vec![(LIST_TASKS, json!({"status": status(*filter)}))],
        Intent::Complete(task) | Intent::Delete(task) | Intent::Update { task, .. } => match task {
            Reference::Numbers(numbers) => change(asked, numbers),
            Reference::Title(_) | Reference::All => {
                let filter = match asked {
                    Intent::Complete(_) => Filter::Pending,
                    _ => Filter::All,
                };
                vec![(LIST_TASKS, json!({"status": status(filter)}))]
            }
        },
    };
    if has_tools {
        call(0, calls)
    } else {
        say(phrasing::NO_TOOLS)
    }
}

/// Answers with the requested list, or calls the tool for a task that had to be found by title.
fn after_listing(asked: &Intent, list: &Value, has_tools: bool) -> Step {
    let reference = match asked {
        Intent::Complete(task) | Intent::Delete(task) | Intent::Update { task, .. }
            if has_tools =>
        {
            task
        }
        Intent::List(filter) => return say(phrasing::tasks(list, *filter)),
        _ => return say(phrasing::tasks(list, Filter::All)),
    };
    let empty = Vec::new();
    let tasks = list["tasks"].as_array().unwrap_or(&empty);
    let more = list["count"].as_u64().unwrap_or_default() > tasks.len() as u64;
    let title = match reference {
        Reference::Title(title) => title,
        Reference::All | Reference::Numbers(_) => {
            let numbers = numbers_of(tasks.iter().take(MOST_AT_ONCE));
            return if numbers.is_empty() {
                say(phrasing::NOTHING_TO_COMPLETE)
            } else {
                call(1, change(asked, &numbers))
            };
        }
    };
    let same: Vec<&Value> = tasks.iter().filter(|task| is_called(task, title)).collect();
    let similar: Vec<&Value> = tasks.iter().filter(|task| mentions(task, title)).collect();
    // Deleting and changing cannot be undone, so they require the exact title.
    let can_be_undone = matches!(asked, Intent::Complete(_));
    match (same.as_slice(), similar.as_slice()) {
        ([task], _) => call(1, change(asked, &numbers_of([*task]))),
        ([], [task]) if can_be_undone => call(1, change(asked, &numbers_of([*task]))),
        ([], []) => say(phrasing::no_such_title(title, more)),
        ([], candidates) => say(phrasing::which_of(title, candidates)),
        (candidates, _) => say(phrasing::which_of(title, candidates)),
    }
}

fn numbers_of<'a>(tasks: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    tasks
        .into_iter()
        .filter_map(|task| task["number"].as_u64())
        .collect()
}

/// Whether a title is a pronoun, which names no task without its context.
fn is_pronoun(title: &str) -> bool {
    let words = [
        "it", "this", "that", "them", "these", "those", "one", "mine",
    ];
    words.iter().any(|word| title.eq_ignore_ascii_case(word))
}

fn is_called(task: &Value, title: &str) -> bool {
    fold(task["title"].as_str().unwrap_or_default()) == fold(title)
}

/// Whether the title of a task contains these words in a row, as whole words.
fn mentions(task: &Value, title: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let is_word = |c: char| c.is_alphanumeric();
        fold(text)
            .split(|c| !is_word(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (held, wanted) = (
        words(task["title"].as_str().unwrap_or_default()),
        words(title),
    );
    !wanted.is_empty() && held.windows(wanted.len()).any(|window| window == wanted)
}

/// Returns the calls that apply the requested change to each of these tasks.
fn change(asked: &Intent, numbers: &[u64]) -> Vec<(&'static str, Value)> {
    numbers
        .iter()
        .map(|number| match asked {
            Intent::Delete(_) => ("delete_task", json!({"task_number": number})),
            Intent::Update {
                title, description, ..
            } => {
                let changes = json!({
                    "task_number": number, "title": title, "description": description
                });
                ("update_task", without_nulls(changes))
            }
            _ => ("complete_task", json!({"task_number": number})),
        })
        .collect()
}

fn arguments(name: &str, value: &str, optional: &str, optional_value: Option<&str>) -> Value {
    without_nulls(json!({name: value, optional: optional_value}))
}

fn without_nulls(arguments: Value) -> Value {
    match arguments {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn status(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "all",
        Filter::Pending => "pending",
        Filter::Completed => "completed",
    }
}

fn call(round: usize, calls: Vec<(&'static str, Value)>) -> Step {
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(position, (tool_name, arguments))| RequestedCall {
            call_id: format!("call_{round}_{position}"),
            tool_name: tool_name.to_owned(),
            arguments: arguments.to_string(),
            provider_data: None,
        })
        .collect();
    Step::Call(calls)
}

fn say(text: impl Into<String>) -> Step {
    Step::Say(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(titles: &[&str]) -> Value {
        let tasks: Vec<Value> = (1..)
            .zip(titles)
            .map(|(number, title)| json!({"number": number, "title": title, "completed": false}))
            .collect();
        json!({"count": tasks.len(), "tasks": tasks})
    }

    /// Returns the step after a list of tasks with these titles.
    fn step(request: &str, titles: &[&str]) -> Step {
        let asked = Intent::parse(request, &Intent::Unknown);
        let list = ToolResult {
            tool_name: LIST_TASKS,
            output: Ok(listed(titles)),
        };
        next_step(&asked, &[list], true)
    }

    #[track_caller]
    fn check_calls(step: Step, tool: &str, numbers: &[u64]) {
        let Step::Call(calls) = step else {
            panic!("expected calls, got {step:?}");
        };
        let found: Vec<_> = calls
            .iter()
            .map(|call| {
                assert_eq!(call.tool_name, tool);
                let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
                arguments["task_number"].as_u64().unwrap()
            })
            .collect();
        assert_eq!(found, numbers);
    }

    #[track_caller]
    fn check_says(step: Step, words: &str) {
        match step {
            Step::Say(text) if text.contains(words) => {}
            other => panic!("expected {words:?}, got {other:?}"),
        }
    }

    #[test]
    fn a_task_is_found_by_its_title() {
        let titles = ["Buy milk", "Write the report", "Buy milk powder"];
        check_calls(
            step("mark buy milk as done", &titles),
            "complete_task",
            &[1],
        );
        check_calls(step("delete BUY MILK", &titles), "delete_task", &[1]);
        check_calls(step("complete the report", &titles), "complete_task", &[2]);
        check_says(step("complete milk", &titles), "Which task do you mean");
        check_says(step("complete nothing known", &titles), "could not find");
    }

    #[test]
    fn deleting_and_changing_require_the_exact_title() {
        let titles = ["Write the report"];
        check_says(step("delete report", &titles), "Which task do you mean");
        check_says(
            step("rename report to x", &titles),
            "Which task do you mean",
        );
        check_says(step("delete port", &titles), "could not find");
    }

    #[test]
    fn all_tasks_can_be_completed_but_not_deleted_or_changed() {
        check_calls(
            step("complete all tasks", &["a", "b"]),
            "complete_task",
            &[1, 2],
        );
        for request in [
            "delete everything",
            "rename my list to Groceries",
            "delete it",
            "I did it",
        ] {
            let asked = Intent::parse(request, &Intent::Unknown);
            match next_step(&asked, &[], true) {
                Step::Say(_) => {}
                other => panic!("{request}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_request_cannot_change_too_many_tasks() {
        let request = format!("add tasks: {}", vec!["a"; MOST_AT_ONCE + 1].join(","));
        let asked = Intent::parse(&request, &Intent::Unknown);
        check_says(next_step(&asked, &[], true), "too much");
    }
}
