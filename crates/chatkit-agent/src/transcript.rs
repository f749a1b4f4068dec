//! From the log of a conversation to what a model reads. Pure.

mod shown;

use chatkit_domain::{Item, Message, Role, ToolCall, ToolCallStatus};

use crate::provider::{InputItem, RequestedCall};

/// How much of an earlier turn's tool result the model sees, in characters.
const EARLIER_RESULT_CHARS: usize = 4_000;

/// The newest items that fit into `max_messages` messages and `max_chars` characters, as model
/// input. It begins at a user message, and the newest user message is always in it, whole.
pub(crate) fn transcript(items: &[Item], max_messages: usize, max_chars: usize) -> Vec<InputItem> {
    let mut messages = 0;
    let mut chars = 0;
    let mut begin = None;
    for (index, item) in items.iter().enumerate().rev() {
        messages += usize::from(matches!(item, Item::Message(_)));
        chars += length(item);
        let fits = messages <= max_messages && chars <= max_chars;
        if !fits && begin.is_some() {
            break;
        }
        if is_user_message(item) {
            begin = Some(index);
        }
    }
    let window = &items[begin.unwrap_or(items.len())..];
    let newest = window.iter().rposition(is_user_message).unwrap_or_default();
    let (earlier, last) = window.split_at(newest);
    let quote = last.first().and_then(quoted);
    let quote = quote.map(|text| InputItem::User(format!("I quote:\n{text}")));
    earlier
        .iter()
        .flat_map(input_of)
        .chain(quote)
        .chain(last.iter().flat_map(input_of))
        .collect()
}

/// What the newest message quotes.
fn quoted(item: &Item) -> Option<&str> {
    match item {
        Item::Message(message) => {
            let text = message.details.as_ref()?.quoted_text.as_deref()?;
            (!text.trim().is_empty()).then_some(text)
        }
        Item::HiddenContext(_) | Item::Shown(_) => None,
    }
}

/// What a tool gave back, as the model reads it.
fn output_of(call: &ToolCall) -> String {
    match call.status {
        ToolCallStatus::Success => call
            .result
            .as_ref()
            .map_or_else(|| "null".to_owned(), ToString::to_string),
        ToolCallStatus::Error => call
            .error_message
            .clone()
            .unwrap_or_else(|| "The tool failed.".to_owned()),
        ToolCallStatus::Denied => "The user did not allow this call.".to_owned(),
        ToolCallStatus::Cancelled => "The user stopped the answer during this call.".to_owned(),
        ToolCallStatus::Unknown | ToolCallStatus::Running | ToolCallStatus::AwaitingApproval => {
            "It is not known whether this call was carried out.".to_owned()
        }
    }
}

/// A tool call as the model asked for it.
fn request_of(call: &ToolCall) -> RequestedCall {
    RequestedCall {
        call_id: call.call_id.clone(),
        tool_name: call.tool_name.clone(),
        arguments: call
            .arguments_text
            .clone()
            .unwrap_or_else(|| serde_json::Value::Object(call.arguments.clone()).to_string()),
    }
}

fn is_user_message(item: &Item) -> bool {
    matches!(item, Item::Message(message) if message.role == Role::User)
}

fn length(item: &Item) -> usize {
    match item {
        Item::HiddenContext(note) => note.content.chars().count(),
        Item::Shown(shown) => shown::input_of(shown).iter().map(InputItem::length).sum(),
        Item::Message(message) => {
            let calls = message.tool_calls.iter().map(|call| {
                request_of(call).arguments.chars().count()
                    + output_of(call).chars().count().min(EARLIER_RESULT_CHARS)
            });
            let quoted = message.details.as_ref();
            let quoted = quoted.and_then(|details| details.quoted_text.as_deref());
            let quoted = quoted.unwrap_or_default().chars().count();
            message.content.chars().count() + quoted + calls.sum::<usize>()
        }
    }
}

fn input_of(item: &Item) -> Vec<InputItem> {
    match item {
        Item::HiddenContext(note) => vec![InputItem::Note(hidden(&note.content))],
        Item::Shown(shown) => shown::input_of(shown),
        Item::Message(message) => match message.role {
            Role::User => vec![InputItem::User(message.content.clone())],
            Role::Assistant => answer(message),
        },
    }
}

/// A note as a model reads it, who must not take it for what the user says.
pub(crate) fn hidden(note: &str) -> String {
    format!("<HiddenContext>\nThe user does not see this.\n{note}\n</HiddenContext>")
}

/// An earlier answer: its tool rounds, then its text.
fn answer(message: &Message) -> Vec<InputItem> {
    let mut input = Vec::new();
    for round in message
        .tool_calls
        .chunk_by(|one, other| one.round == other.round)
    {
        input.extend(round_input(round));
    }
    if !message.content.is_empty() {
        input.push(InputItem::Assistant(message.content.clone()));
    }
    input
}

/// One round of calls that were made before, with what they gave back.
pub(crate) fn round_input(round: &[ToolCall]) -> Vec<InputItem> {
    let results = round.iter().map(|call| InputItem::ToolResult {
        call_id: call.call_id.clone(),
        tool_name: call.tool_name.clone(),
        output: cut(output_of(call)),
    });
    let calls = InputItem::ToolCalls(round.iter().map(request_of).collect());
    std::iter::once(calls).chain(results).collect()
}

fn cut(mut output: String) -> String {
    if let Some((index, _)) = output.char_indices().nth(EARLIER_RESULT_CHARS) {
        output.truncate(index);
        output.push('…');
    }
    output
}

#[cfg(test)]
mod tests {
    use chatkit_domain::{
        Clock, ConversationId, HiddenContext, ItemId, MessageStatus, RunId, SystemClock, ToolCallId,
    };
    use serde_json::json;

    use super::*;

    fn message(role: Role, content: &str) -> Item {
        Item::Message(Message {
            id: ItemId::new(SystemClock.uuid()),
            conversation_id: ConversationId::new(SystemClock.uuid()),
            sequence_number: 1,
            role,
            content: content.to_owned(),
            details: None,
            status: MessageStatus::Completed,
            tool_calls: Vec::new(),
            feedback: None,
            run_id: None,
            model: None,
            tokens_used: None,
            created_at: SystemClock.now(),
        })
    }

    fn user(content: &str) -> Item {
        message(Role::User, content)
    }

    fn assistant(content: &str) -> Item {
        message(Role::Assistant, content)
    }

    fn note(content: &str) -> Item {
        Item::HiddenContext(HiddenContext {
            id: ItemId::new(SystemClock.uuid()),
            conversation_id: ConversationId::new(SystemClock.uuid()),
            sequence_number: 1,
            content: content.to_owned(),
            run_id: None,
            created_at: SystemClock.now(),
        })
    }

    fn check(items: &[Item], max_messages: usize, max_chars: usize, expected: &[&str]) {
        let texts: Vec<String> = transcript(items, max_messages, max_chars)
            .into_iter()
            .map(|item| match item {
                InputItem::User(text) | InputItem::Assistant(text) | InputItem::Note(text) => text,
                InputItem::ToolCalls(_) | InputItem::ToolResult { .. } => "tool".to_owned(),
            })
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn the_window_holds_the_newest_and_begins_at_a_user_message() {
        let items = [
            user("u1"),
            assistant("a1"),
            note("n"),
            user("u2"),
            assistant("a2"),
            user("u3"),
        ];
        let all = ["u1", "a1", &hidden("n"), "u2", "a2", "u3"];
        check(&items, 50, 1_000, &all);
        check(&items, 5, 1_000, &all);
        check(&items, 4, 1_000, &["u2", "a2", "u3"]);
        check(&items, 2, 1_000, &["u3"]);
        check(&items, 1, 1_000, &["u3"]);
    }

    #[test]
    fn the_oldest_are_dropped_when_characters_run_out() {
        let items = [
            user("u1"),
            assistant("a1"),
            user("u2"),
            assistant("a2"),
            user("u3"),
        ];
        check(&items, 50, 6, &["u2", "a2", "u3"]);
        check(&items, 50, 5, &["u3"]);
        check(&items, 50, 1, &["u3"]);
    }

    #[test]
    fn two_user_messages_in_a_row_are_kept() {
        check(&[user("u1"), user("u2")], 50, 100, &["u1", "u2"]);
    }

    #[test]
    fn tool_calls_go_with_the_answer_and_long_results_are_cut() {
        let call = |round, status, result| ToolCall {
            id: ToolCallId::new(SystemClock.uuid()),
            run_id: RunId::new(SystemClock.uuid()),
            message_id: None,
            round,
            position: 0,
            call_id: format!("call_{round}"),
            tool_name: "list_tasks".to_owned(),
            arguments: serde_json::Map::new(),
            arguments_text: None,
            result,
            status,
            error_message: None,
            execution_time_ms: None,
            created_at: SystemClock.now(),
            completed_at: None,
        };
        let Item::Message(mut message) = assistant("done") else {
            panic!("assistant() makes messages");
        };
        message.tool_calls = vec![
            call(0, ToolCallStatus::Success, Some(json!("x".repeat(5_000)))),
            call(1, ToolCallStatus::Unknown, None),
        ];
        let input = transcript(&[user("do it"), Item::Message(message)], 50, 100_000);
        assert_eq!(input.len(), 6);
        let InputItem::ToolResult { output, .. } = &input[2] else {
            panic!("a result follows its call");
        };
        assert_eq!(output.chars().count(), EARLIER_RESULT_CHARS + 1);
        assert!(matches!(&input[3], InputItem::ToolCalls(calls) if calls[0].call_id == "call_1"));
        assert_eq!(input[5], InputItem::Assistant("done".to_owned()));
    }
}
