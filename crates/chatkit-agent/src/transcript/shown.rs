//! Converts display items to model input.

use chatkit_domain::DisplayItem;
use chatkit_protocol::{
    Answer, ClientToolCallStatus, ItemKind, StructuredInput, StructuredInputStatus, Task, TaskKind,
};
use serde_json::Value;

use super::text::cut;
use crate::provider::{InputItem, RequestedCall};

/// Converts an item to model input. Returns no input if the item means nothing to a model.
pub(super) fn input_of(item: &DisplayItem, max_result_chars: usize) -> Vec<InputItem> {
    let note = |text: String| vec![InputItem::Note(text)];
    match &item.kind {
        ItemKind::Widget { widget, .. } => {
            let json = serde_json::to_string(widget).unwrap_or_default();
            note(format!("The user was shown the widget {}: {json}", item.id))
        }
        ItemKind::Workflow { workflow } => steps(&workflow.tasks),
        ItemKind::Task { task } => steps(std::slice::from_ref(task)),
        ItemKind::StructuredInput { status, inputs } => note(questions(*status, inputs)),
        ItemKind::GeneratedImage { image: Some(image) } => {
            // A `data:` URL contains the whole image, which is too long for the model.
            let place = Some(&image.url).filter(|url| !url.starts_with("data:"));
            let place = place.map(|url| format!(" {url}")).unwrap_or_default();
            note(format!("The user was shown a generated image.{place}"))
        }
        ItemKind::ClientToolCall {
            status: ClientToolCallStatus::Completed,
            call_id,
            name,
            arguments,
            output,
        } => {
            let call = RequestedCall {
                call_id: call_id.clone(),
                tool_name: name.clone(),
                arguments: Value::Object(arguments.clone()).to_string(),
                provider_data: None,
            };
            let result = InputItem::ToolResult {
                call_id: call_id.clone(),
                tool_name: name.clone(),
                output: cut(
                    output.clone().unwrap_or_default().to_string(),
                    max_result_chars,
                ),
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

/// Describes the custom steps of a workflow. The model does not get its earlier thoughts back.
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

/// Describes questions and their answers.
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
