//! The approximate size of events in memory.

use chatkit_domain::{
    Aside, ItemEvent, Message, MessageDetails, MessageEvent, RunEvent, ToolCall, ToolCallEvent,
};
use chatkit_protocol::{ItemKind, OutputText, Task, TaskKind, ThreadItemUpdate};
use serde::Serialize;
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
        MessageDetails::Assistant { content } => content.iter().map(part_size).sum(),
    });
    message.content.len() + parts
}

fn call_size(call: &ToolCall) -> usize {
    object_size(&call.arguments) + call.result.as_ref().map_or(0, json_size)
}

fn kind_size(kind: &ItemKind) -> usize {
    match kind {
        ItemKind::AssistantMessage { content } => content.iter().map(part_size).sum(),
        ItemKind::Widget { widget, copy_text } => {
            object_size(widget.root()) + copy_text.as_ref().map_or(0, String::len)
        }
        ItemKind::GeneratedImage { image } => image.as_ref().map_or(0, |image| image.url.len()),
        ItemKind::Workflow { workflow } => {
            STRUCT_BYTES + workflow.tasks.iter().map(task_size).sum::<usize>()
        }
        ItemKind::Task { task } => task_size(task),
        ItemKind::ClientToolCall {
            arguments, output, ..
        } => object_size(arguments) + output.as_ref().map_or(0, json_size),
        ItemKind::StructuredInput { inputs, .. } => serialized_size(inputs),
        // The texts of the hidden items are never emitted.
        ItemKind::UserMessage { .. }
        | ItemKind::EndOfTurn {}
        | ItemKind::HiddenContextItem { .. }
        | ItemKind::SdkHiddenContext { .. } => STRUCT_BYTES,
    }
}

fn part_size(part: &OutputText) -> usize {
    part.text.len() + part.annotations.iter().map(serialized_size).sum::<usize>()
}

fn task_size(task: &Task) -> usize {
    match &task.kind {
        // Thoughts are emitted often, and again for each piece.
        TaskKind::Thought { content } => STRUCT_BYTES + content.len(),
        _ => serialized_size(task),
    }
}

fn update_size(update: &ThreadItemUpdate) -> usize {
    match update {
        ThreadItemUpdate::TextDelta { delta, .. }
        | ThreadItemUpdate::StreamingTextDelta { delta, .. } => delta.len(),
        ThreadItemUpdate::ContentPartAdded { content, .. }
        | ThreadItemUpdate::ContentPartDone { content, .. } => part_size(content),
        ThreadItemUpdate::TaskAdded { task, .. } | ThreadItemUpdate::TaskUpdated { task, .. } => {
            task_size(task)
        }
        ThreadItemUpdate::RootUpdated { widget } => object_size(widget.root()),
        ThreadItemUpdate::ComponentUpdated { component, .. } => json_size(component),
        ThreadItemUpdate::ImageUpdated { image, .. } => image.url.len(),
        ThreadItemUpdate::AnnotationAdded { annotation, .. } => serialized_size(annotation),
    }
}

fn aside_size(aside: &Aside) -> usize {
    match aside {
        Aside::Progress { text, .. } => text.len(),
        Aside::Notice { message, title, .. } => {
            message.len() + title.as_ref().map_or(0, String::len)
        }
        Aside::Effect { name, data } => name.len() + object_size(data),
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

/// The size of a rare value as JSON, in bytes.
fn serialized_size(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        // What cannot be written is not emitted either.
        Err(_) => 0,
    }
}

/// Counts the bytes that are written to it.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
