//! The approximate size of events in memory.

use chatkit_domain::{
    Aside, ItemEvent, Message, MessageDetails, MessageEvent, RunEvent, ToolCall, ToolCallEvent,
};
use chatkit_protocol::{
    Annotation, ItemKind, OutputText, Source, SourceDetails, StructuredInput, StructuredInputKind,
    Task, TaskKind, ThreadItemUpdate,
};
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
            object_size(widget.root()) + text_size(copy_text.as_ref())
        }
        ItemKind::GeneratedImage { image } => image.as_ref().map_or(0, |image| image.url.len()),
        ItemKind::Workflow { workflow } => {
            STRUCT_BYTES + workflow.tasks.iter().map(task_size).sum::<usize>()
        }
        ItemKind::Task { task } => task_size(task),
        ItemKind::ClientToolCall {
            arguments, output, ..
        } => object_size(arguments) + output.as_ref().map_or(0, json_size),
        ItemKind::StructuredInput { inputs, .. } => inputs.iter().map(input_size).sum(),
        // The texts of the hidden items are never emitted.
        ItemKind::UserMessage { .. }
        | ItemKind::EndOfTurn {}
        | ItemKind::HiddenContextItem { .. }
        | ItemKind::SdkHiddenContext { .. } => STRUCT_BYTES,
    }
}

fn part_size(part: &OutputText) -> usize {
    let annotations = part.annotations.iter();
    part.text.len() + annotations.map(annotation_size).sum::<usize>()
}

fn task_size(task: &Task) -> usize {
    let text = match &task.kind {
        TaskKind::Thought { content } => content.len(),
        TaskKind::Custom { icon, content } => {
            text_size(icon.as_ref()) + text_size(content.as_ref())
        }
        TaskKind::WebSearch {
            title_query,
            queries,
            sources,
        } => {
            let queries = queries.iter().map(String::len).sum::<usize>();
            let sources = sources.iter();
            let sources = sources.map(|source| {
                source.url.len()
                    + text_size(source.attribution.as_ref())
                    + details_size(&source.details)
            });
            text_size(title_query.as_ref()) + queries + sources.sum::<usize>()
        }
        TaskKind::File { sources } => {
            let sources = sources.iter();
            sources
                .map(|source| source.filename.len() + details_size(&source.details))
                .sum()
        }
        TaskKind::Image {} => 0,
    };
    STRUCT_BYTES + text_size(task.title.as_ref()) + text
}

fn input_size(input: &StructuredInput) -> usize {
    let answers = input.answer.iter().flat_map(|answer| &answer.values);
    let text = match &input.kind {
        StructuredInputKind::MultipleChoice { options, .. } => {
            options.iter().map(|option| option.value.len()).sum()
        }
        StructuredInputKind::Freeform { description } => text_size(description.as_ref()),
    };
    let answers = answers.map(String::len).sum::<usize>();
    STRUCT_BYTES + input.id.len() + input.question.len() + text + answers
}

fn annotation_size(annotation: &Annotation) -> usize {
    let text = match &annotation.source {
        Source::Url {
            url,
            attribution,
            details,
        } => url.len() + text_size(attribution.as_ref()) + details_size(details),
        Source::File { filename, details } => filename.len() + details_size(details),
        Source::Entity {
            id,
            icon,
            label,
            inline_label,
            interactive: _,
            data,
            preview,
            details,
        } => {
            let names = [icon, label, inline_label, preview].map(|text| text_size(text.as_ref()));
            id.len() + names.iter().sum::<usize>() + object_size(data) + details_size(details)
        }
    };
    STRUCT_BYTES + text
}

fn details_size(details: &SourceDetails) -> usize {
    let SourceDetails {
        title,
        description,
        timestamp,
        group,
    } = details;
    let others = [description, timestamp, group].map(|text| text_size(text.as_ref()));
    title.len() + others.iter().sum::<usize>()
}

fn text_size(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
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
        ThreadItemUpdate::AnnotationAdded { annotation, .. } => annotation_size(annotation),
    }
}

fn aside_size(aside: &Aside) -> usize {
    match aside {
        Aside::Progress { text, .. } => text.len(),
        Aside::Notice { message, title, .. } => message.len() + text_size(title.as_ref()),
        Aside::Effect { name, data } => name.len() + object_size(data),
        Aside::Error { message, .. } => text_size(message.as_ref()),
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
