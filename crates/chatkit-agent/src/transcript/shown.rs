//! What a model reads of the items that are shown beside the messages.

use chatkit_domain::ShownItem;
use chatkit_protocol::{
    Answer, ClientToolCallStatus, ItemKind, StructuredInput, StructuredInputStatus, Task, TaskKind,
};
use serde_json::Value;

use super::cut;
use crate::{
    provider::{InputItem, RequestedCall},
    thread::kind_of,
};

/// The item as model input; nothing of what tells a model nothing.
pub(super) fn input_of(shown: &ShownItem, max_result_chars: usize) -> Vec<InputItem> {
    let note = |text: String| vec![InputItem::Note(text)];
    match kind_of(shown) {
        Some(ItemKind::Widget { widget, .. }) => {
            let json = serde_json::to_string(&widget).unwrap_or_default();
            note(format!(
                "The user was shown the widget {}: {json}",
                shown.id
            ))
        }
        Some(ItemKind::Workflow { workflow }) => steps(&workflow.tasks),
        Some(ItemKind::Task { task }) => steps(&[task]),
        Some(ItemKind::StructuredInput { status, inputs }) => note(questions(status, &inputs)),
        Some(ItemKind::GeneratedImage { image: Some(image) }) => {
            // A picture that stands in its own address is too long to be read.
            let place = Some(image.url).filter(|url| !url.starts_with("data:"));
            let place = place.map(|url| format!(" {url}")).unwrap_or_default();
            note(format!("The user was shown a generated image.{place}"))
        }
        Some(ItemKind::ClientToolCall {
            status: ClientToolCallStatus::Completed,
            call_id,
            name,
            arguments,
            output,
        }) => {
            let call = RequestedCall {
                call_id: call_id.clone(),
                tool_name: name.clone(),
                arguments: Value::Object(arguments).to_string(),
                provider_data: None,
            };
            let result = InputItem::ToolResult {
                call_id,
                tool_name: name,
                output: cut(output.unwrap_or_default().to_string(), max_result_chars),
            };
            let calls = InputItem::Assistant {
                text: String::new(),
                calls: vec![call],
            };
            vec![calls, result]
        }
        _ => Vec::new(),
    }
}

/// The steps that say something; what a model thought is not given back to it.
fn steps(tasks: &[Task]) -> Vec<InputItem> {
    let notes = tasks.iter().filter_map(|task| {
        let TaskKind::Custom { content, .. } = &task.kind else {
            return None;
        };
        let parts = [task.title.as_deref(), content.as_deref()];
        let parts: Vec<&str> = parts
            .into_iter()
            .flatten()
            .filter(|p| !p.is_empty())
            .collect();
        (!parts.is_empty()).then(|| format!("The user was shown the step {}", parts.join(": ")))
    });
    notes.map(InputItem::Note).collect()
}

/// Questions with what became of each.
fn questions(status: StructuredInputStatus, inputs: &[StructuredInput]) -> String {
    let status = match status {
        StructuredInputStatus::Pending => "has not answered",
        StructuredInputStatus::Answered => "has answered",
        StructuredInputStatus::Skipped => "did not want to answer",
    };
    let answers = inputs.iter().map(|input| {
        let answer = match &input.answer {
            None => "unanswered".to_owned(),
            Some(Answer { skipped: true, .. }) => "skipped".to_owned(),
            Some(Answer { values, .. }) => values.join(", "),
        };
        format!("\n{} {answer}", input.question)
    });
    format!(
        "The user was asked and {status}:{}",
        answers.collect::<String>()
    )
}
