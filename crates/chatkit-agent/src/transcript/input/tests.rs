use chatkit_domain::ToolCallStatus;
use chatkit_domain::{
    Clock, ConversationId, HiddenContext, ItemId, MessageStatus, RunId, SystemClock, ToolCallId,
};
use serde_json::json;

use super::*;
use crate::transcript::window::Window;

const RESULT_CHARS: usize = 4_000;

fn message(role: Role, content: &str) -> Item {
    Item::Message(Message {
        id: ItemId::new(SystemClock.uuid()),
        conversation_id: ConversationId::new(SystemClock.uuid()),
        sequence_number: 1,
        role,
        content: content.to_owned(),
        details: None,
        status: MessageStatus::Completed,
        incomplete_reason: None,
        reasoning: None,
        is_withheld: false,
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

/// The items with sequence numbers from 1.
fn numbered(mut items: Vec<Item>) -> Vec<Item> {
    for (number, item) in (1..).zip(&mut items) {
        match item {
            Item::Message(message) => message.sequence_number = number,
            Item::HiddenContext(note) => note.sequence_number = number,
            Item::Display(item) => item.sequence_number = number,
            Item::Unreadable(item) => item.sequence_number = number,
        }
    }
    items
}

fn texts(window: &Window) -> Vec<String> {
    let input = window.input().into_iter();
    input
        .map(|item| match item {
            InputItem::User(text) | InputItem::Assistant { text, .. } | InputItem::Note(text) => {
                text
            }
            InputItem::ToolResult { output, .. } => output,
        })
        .collect()
}

fn window(items: &[Item], start: Option<u64>, max_messages: usize, max_chars: usize) -> Window {
    let items = numbered(items.to_vec());
    Window::new(items, start, (max_messages, max_chars), RESULT_CHARS)
}

fn check(items: &[Item], max_messages: usize, max_chars: usize, expected: &[&str]) {
    assert_eq!(
        texts(&window(items, None, max_messages, max_chars)),
        expected
    );
}

fn turns(count: usize) -> Vec<Item> {
    let turn = |index| [user(&format!("u{index}")), assistant(&format!("a{index}"))];
    let mut items: Vec<Item> = (1..count).flat_map(turn).collect();
    items.push(user(&format!("u{count}")));
    items
}

#[test]
fn an_exceeded_window_drops_its_oldest_half() {
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
fn the_newest_user_message_is_always_in_the_window() {
    check(&turns(3), 50, 6, &["u2", "a2", "u3"]);
    check(&turns(3), 50, 5, &["u3"]);
    check(&turns(3), 50, 1, &["u3"]);
    check(&[user("u1"), user("u2")], 50, 100, &["u1", "u2"]);
}

#[test]
fn the_window_keeps_its_start_until_it_is_exceeded() {
    let starts = |stored, messages| {
        let window = window(&turns(5), stored, messages, 1_000);
        window.start().unwrap()
    };
    assert_eq!(starts(Some(5), 50), 5);
    // An answer cannot start the window.
    assert_eq!(starts(Some(4), 50), 5);
    assert_eq!(starts(Some(3), 7), 3);
    assert_eq!(starts(Some(3), 6), 7);
    // Later runs ignore a start that is no longer in the history.
    assert_eq!(starts(Some(99), 50), 1);
}

#[test]
fn halving_keeps_about_half_of_the_request() {
    let long = |text: &str| text.repeat(1_000);
    let items: Vec<Item> = (0..7)
        .map(|index| {
            if index % 2 == 0 {
                user(&long("u"))
            } else {
                assistant("a")
            }
        })
        .collect();
    let mut window = window(&items, None, 50, 100_000);
    window.halve(0);
    assert_eq!(window.start(), Some(5));
    window.halve(0);
    assert!(window.is_newest_only());
}

#[test]
fn a_withheld_message_becomes_a_note() {
    let Item::Message(mut withheld) = user("bad") else {
        panic!("user() makes messages");
    };
    withheld.is_withheld = true;
    check(
        &[Item::Message(withheld), user("fine")],
        50,
        100,
        &[WITHHELD, "fine"],
    );
}

fn call(
    round: u32,
    offset: Option<u64>,
    status: ToolCallStatus,
    result: Option<Value>,
) -> ToolCall {
    ToolCall {
        id: ToolCallId::new(SystemClock.uuid()),
        run_id: RunId::new(SystemClock.uuid()),
        message_id: None,
        round,
        position: 0,
        call_id: format!("call_{round}"),
        tool_name: "list_tasks".to_owned(),
        arguments: serde_json::Map::new(),
        arguments_text: None,
        raw_arguments: Some("{ }".to_owned()),
        content_offset: offset,
        provider_data: None,
        result,
        status,
        error_message: None,
        execution_time_ms: None,
        created_at: SystemClock.now(),
        completed_at: None,
    }
}

fn answered(content: &str, calls: Vec<ToolCall>) -> Vec<InputItem> {
    let Item::Message(mut message) = assistant(content) else {
        panic!("assistant() makes messages");
    };
    message.tool_calls = calls;
    model_input(&[Item::Message(message)], RESULT_CHARS)
}

#[test]
fn rounds_are_replayed_as_they_were_sent() {
    let success = ToolCallStatus::Success;
    let input = answered(
        "Let me see.\n\nAnd  this. \n\n\n\nDone.",
        vec![
            call(
                0,
                Some(11),
                success,
                Some(json!({"b": 1, "a": [{"d": 2, "c": 3}]})),
            ),
            call(1, Some(24), ToolCallStatus::Unknown, None),
            call(2, Some(24), success, Some(json!(1))),
        ],
    );
    let rounds: Vec<(&str, usize)> = input
        .iter()
        .filter_map(|item| match item {
            InputItem::Assistant { text, calls } => Some((text.as_str(), calls.len())),
            _ => None,
        })
        .collect();
    let expected = [
        ("Let me see.", 1),
        ("And  this. ", 1),
        ("", 1),
        ("\n\nDone.", 0),
    ];
    assert_eq!(rounds, expected);
    let InputItem::ToolResult { output, .. } = &input[1] else {
        panic!("a result follows its call");
    };
    assert_eq!(output, r#"{"a":[{"c":3,"d":2}],"b":1}"#);
    let InputItem::Assistant { calls, .. } = &input[0] else {
        panic!("a call comes first");
    };
    assert_eq!(calls[0].arguments, "{ }");
}

#[test]
fn calls_of_older_versions_come_before_their_text_and_results_are_cut() {
    let long = Some(json!("x".repeat(5_000)));
    let input = answered("done", vec![call(0, None, ToolCallStatus::Success, long)]);
    let InputItem::ToolResult { output, .. } = &input[1] else {
        panic!("a result follows its call");
    };
    assert_eq!(output.chars().count(), RESULT_CHARS + 1);
    assert!(matches!(&input[2], InputItem::Assistant { text, .. } if text == "done"));
}
