//! Converts items to model input.

use chatkit_domain::{Item, Message, MessageDetails, PARAGRAPH, Role, ToolCall};
use serde_json::Value;

use super::{
    shown,
    text::{hidden, output_of},
};

use crate::provider::{InputItem, RequestedCall};

/// The replacement for a user message that the model's filter refused.
const WITHHELD: &str = "(A user message was omitted because the content filter refused it.)";

/// The maximum number of tool calls that are carried out in one round.
pub(crate) const MAX_ROUND_CALLS: usize = 32;

/// The note to the model after a round with too many calls.
const MANY_CALLS_NOTE: &str =
    "Only the first 32 tool calls of a round are carried out. If there were others, they were not.";

/// Converts items to model input.
pub(crate) fn model_input(items: &[Item], max_result_chars: usize) -> Vec<InputItem> {
    let input = items.iter();
    input
        .flat_map(|item| input_of(item, max_result_chars))
        .collect()
}

/// Returns the text that a user message quotes.
fn quoted(message: &Message) -> Option<InputItem> {
    let Some(MessageDetails::User {
        quoted_text: Some(text),
        ..
    }) = message.details.as_deref()
    else {
        return None;
    };
    let is_blank = text.trim().is_empty();
    (!is_blank).then(|| InputItem::User(format!("I quote:\n{text}")))
}

/// Returns a note if a round has the maximum number of calls, because more may have been dropped.
pub(crate) fn note_on_calls(calls: usize) -> Option<InputItem> {
    (calls >= MAX_ROUND_CALLS).then(|| InputItem::Note(hidden(MANY_CALLS_NOTE)))
}

/// Returns a tool call in the form in which the model requested it.
fn request_of(call: &ToolCall) -> RequestedCall {
    let written = call.raw_arguments.as_ref().or(call.arguments_text.as_ref());
    RequestedCall {
        call_id: call.call_id.clone(),
        tool_name: call.tool_name.clone(),
        arguments: written
            .cloned()
            .unwrap_or_else(|| Value::Object(call.arguments.clone()).to_string()),
        provider_data: call.provider_data.clone(),
    }
}

pub(super) fn is_user_message(item: &Item) -> bool {
    matches!(item, Item::Message(message) if message.role == Role::User)
}

pub(super) fn input_of(item: &Item, max_result_chars: usize) -> Vec<InputItem> {
    match item {
        Item::HiddenContext(note) => vec![InputItem::Note(hidden(&note.content))],
        Item::Display(item) => shown::input_of(item, max_result_chars),
        Item::Unreadable(_) => Vec::new(),
        Item::Message(message) => match message.role {
            Role::User if message.is_withheld => vec![InputItem::User(WITHHELD.to_owned())],
            Role::User => {
                let own = InputItem::User(message.content.clone());
                // The runs of these calls ended without an answer. The model must not repeat their
                // effects.
                let rounds = message
                    .tool_calls
                    .chunk_by(|one, other| one.round == other.round)
                    .flat_map(|round| round_input("", round, max_result_chars));
                quoted(message)
                    .into_iter()
                    .chain([own])
                    .chain(rounds)
                    .collect()
            }
            Role::Assistant => answer(message, max_result_chars),
        },
    }
}

/// Returns an earlier answer as it was sent when it was new: rounds of text, calls and results,
/// followed by the remaining text.
fn answer(message: &Message, max_result_chars: usize) -> Vec<InputItem> {
    let mut input = Vec::new();
    let mut rest = message.content.as_str();
    let mut is_first = true;
    let mut taken = 0;
    for round in message
        .tool_calls
        .chunk_by(|one, other| one.round == other.round)
    {
        let offset = round[0].content_offset.unwrap_or_default();
        let chars = usize::try_from(offset).unwrap_or(usize::MAX);
        let text = take(&mut rest, chars.saturating_sub(taken), is_first);
        taken = taken.max(chars);
        is_first &= taken == 0;
        input.extend(round_input(text, round, max_result_chars));
    }
    let text = take(&mut rest, usize::MAX, is_first);
    if !text.is_empty() {
        input.push(InputItem::Assistant {
            text: text.to_owned(),
            calls: Vec::new(),
        });
    }
    input
}

/// Takes the text of a round from the rest of an answer. All texts except the first follow a blank
/// line that the model did not write.
fn take<'a>(rest: &mut &'a str, chars: usize, is_first: bool) -> &'a str {
    let end = rest.char_indices().nth(chars);
    let (text, after) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
    *rest = after;
    if is_first {
        text
    } else {
        text.strip_prefix(PARAGRAPH).unwrap_or(text)
    }
}

/// Returns an earlier round: its text, its calls, and their results.
pub(crate) fn round_input(
    text: &str,
    round: &[ToolCall],
    max_result_chars: usize,
) -> Vec<InputItem> {
    let results = round.iter().map(|call| InputItem::ToolResult {
        call_id: call.call_id.clone(),
        tool_name: call.tool_name.clone(),
        output: output_of(call, max_result_chars),
    });
    let calls = InputItem::Assistant {
        text: text.to_owned(),
        calls: round.iter().map(request_of).collect(),
    };
    let note = note_on_calls(round.len());
    std::iter::once(calls).chain(results).chain(note).collect()
}

#[cfg(test)]
mod tests;
