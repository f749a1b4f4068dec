//! The approximate size of events in memory.

use chatkit_domain::{
    Aside, ItemEvent, Message, MessageDetails, MessageEvent, RunEvent, ToolCall, ToolCallEvent,
};
use chatkit_protocol::{ItemKind, Task, TaskKind, ThreadItemUpdate};
use serde_json::{Map, Value};

/// The approximate size of an event without its text, in bytes.
const EVENT_BYTES: usize = 96;

/// The approximate size of a structure of small fields, in bytes.
const STRUCT_BYTES: usize = 512;

/// Returns the approximate size of an event in bytes.
pub(crate) fn size(event: &RunEvent) -> usize {
    EVENT_BYTES
        + match event {
            RunEvent::Text { delta, .. } | RunEvent::Reasoning { delta, .. } => delta.len(),
            RunEvent::Message(event) => match event {
                MessageEvent::Created(message)
                | MessageEvent::Completed(message)
                | MessageEvent::Replaced(message) => message_size(message),
                MessageEvent::Removed(_) => 0,
            },
            RunEvent::ToolCall(ToolCallEvent::Started(call) | ToolCallEvent::Completed(call)) => {
                call_size(call)
            }
            RunEvent::Item(event) => match event {
                ItemEvent::Added(item) | ItemEvent::Done(item) | ItemEvent::Replaced(item) => {
                    kind_size(&item.kind)
                }
                ItemEvent::Updated { update, .. } => update_size(update),
                ItemEvent::Removed(_) => 0,
            },
            RunEvent::Aside(aside) => aside_size(aside),
            RunEvent::Started(_) | RunEvent::Conversation(_) | RunEvent::Ended(_) => STRUCT_BYTES,
        }
}

fn message_size(message: &Message) -> usize {
    let details = message.details.as_deref();
    let parts = details.map_or(0, |details| match details {
        MessageDetails::User { .. } => STRUCT_BYTES,
        MessageDetails::Assistant { content } => content.iter().map(|part| part.text.len()).sum(),
    });
    message.content.len() + parts
}

fn call_size(call: &ToolCall) -> usize {
    object_size(&call.arguments) + call.result.as_ref().map_or(0, json_size)
}

fn kind_size(kind: &ItemKind) -> usize {
    match kind {
        ItemKind::AssistantMessage { content } => content.iter().map(|part| part.text.len()).sum(),
        ItemKind::Widget { widget, copy_text } => {
            object_size(widget.root()) + copy_text.as_ref().map_or(0, String::len)
        }
        ItemKind::GeneratedImage { image } => image.as_ref().map_or(0, |image| image.url.len()),
        ItemKind::Workflow { workflow } => workflow.tasks.iter().map(task_size).sum(),
        ItemKind::Task { task } => task_size(task),
        ItemKind::ClientToolCall {
            arguments, output, ..
        } => object_size(arguments) + output.as_ref().map_or(0, json_size),
        ItemKind::UserMessage { .. }
        | ItemKind::StructuredInput { .. }
        | ItemKind::EndOfTurn {}
        | ItemKind::HiddenContextItem { .. }
        | ItemKind::SdkHiddenContext { .. } => STRUCT_BYTES,
    }
}

fn task_size(task: &Task) -> usize {
    let text = match &task.kind {
        TaskKind::Thought { content } => content.len(),
        TaskKind::Custom { content, .. } => content.as_ref().map_or(0, String::len),
        _ => 0,
    };
    STRUCT_BYTES + text
}

fn update_size(update: &ThreadItemUpdate) -> usize {
    match update {
        ThreadItemUpdate::TextDelta { delta, .. }
        | ThreadItemUpdate::StreamingTextDelta { delta, .. } => delta.len(),
        ThreadItemUpdate::ContentPartAdded { content, .. }
        | ThreadItemUpdate::ContentPartDone { content, .. } => content.text.len(),
        ThreadItemUpdate::TaskAdded { task, .. } | ThreadItemUpdate::TaskUpdated { task, .. } => {
            task_size(task)
        }
        ThreadItemUpdate::RootUpdated { widget } => object_size(widget.root()),
        ThreadItemUpdate::ComponentUpdated { component, .. } => json_size(component),
        ThreadItemUpdate::ImageUpdated { image, .. } => image.url.len(),
        ThreadItemUpdate::AnnotationAdded { .. } => STRUCT_BYTES,
    }
}

fn aside_size(aside: &Aside) -> usize {
    match aside {
        Aside::Progress { text, .. } => text.len(),
        Aside::Notice { message, .. } => message.len(),
        Aside::Effect { data, .. } => object_size(data),
        Aside::Error { message, .. } => message.as_ref().map_or(0, String::len),
        Aside::StreamOptions { .. } => 0,
    }
}

fn object_size(members: &Map<String, Value>) -> usize {
    let members = members.iter();
    members
        .map(|(name, value)| name.len() + json_size(value))
        .sum()
}

/// Returns the approximate size of a value in bytes.
fn json_size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(json_size).sum(),
            Value::Object(members) => object_size(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}
