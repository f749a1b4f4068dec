//! Texts for the model: tool results, notes and shortened texts.

use chatkit_domain::{ToolCall, ToolCallStatus};
use serde_json::{Map, Value};

/// Returns the result of a tool call for the model.
pub(super) fn output_of(call: &ToolCall, max_chars: usize) -> String {
    let output = match call.status {
        ToolCallStatus::Success => call
            .result
            .as_ref()
            .map_or_else(|| "null".to_owned(), result_text),
        ToolCallStatus::Error => call
            .error_message
            .clone()
            .unwrap_or_else(|| "The tool failed.".to_owned()),
        ToolCallStatus::Denied => "The user did not allow this call.".to_owned(),
        ToolCallStatus::Cancelled => "The answer ended during this call.".to_owned(),
        ToolCallStatus::Unknown | ToolCallStatus::Running | ToolCallStatus::AwaitingApproval => {
            "It is not known whether this call was carried out.".to_owned()
        }
    };
    cut(output, max_chars)
}

/// Converts a result to text, with its members ordered by name. A database may store members in
/// another order, and the model must read the same text in every turn.
pub(crate) fn result_text(result: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(sorted).collect(),
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                let members = members.into_iter();
                let members = members.map(|(name, value)| (name.clone(), sorted(value)));
                Value::Object(members.collect::<Map<_, _>>())
            }
            value => value.clone(),
        }
    }
    sorted(result).to_string()
}

/// Marks a note, so that the model does not take it for the user's words.
pub(crate) fn hidden(note: &str) -> String {
    format!("<HiddenContext>\nThe user does not see this.\n{note}\n</HiddenContext>")
}

/// Shortens a text to this many characters, and marks a longer one.
pub(crate) fn cut(mut output: String, max_chars: usize) -> String {
    if let Some((index, _)) = output.char_indices().nth(max_chars) {
        output.truncate(index);
        output.push('…');
    }
    output
}
