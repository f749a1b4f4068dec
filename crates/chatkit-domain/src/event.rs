//! What happens while a run answers, as those who follow it are told.
//!
//! Events are numbered from 1. While a run is fresh the events before its end are kept; its end is
//! told from what the run left, under the number that was kept with it.

use crate::{ItemId, Message, Run, RunId, RunOutcome, ToolCall};

/// How far behind the last event that was kept the end of an interrupted run stands: farther than
/// any event of a process that had lost it.
const INTERRUPTED_GAP: u64 = 1_000_000;

/// An event under its number, which rises within a run.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEvent {
    /// The number.
    pub number: u64,
    /// What happened.
    pub event: RunEvent,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The run has begun.
    Started(Box<Run>),
    /// What the user said has been stored.
    MessageCreated(Box<Message>),
    /// The answer goes on with this text.
    MessageDelta {
        /// The answer.
        message_id: ItemId,
        /// Which of its parts, where the begin of each was told; none of an answer that is one.
        part: Option<u32>,
        /// What is added to it.
        text: String,
    },
    /// More of the reasoning that the model shows.
    ReasoningDelta {
        /// The answer that the reasoning belongs to.
        message_id: ItemId,
        /// The item that shows this thought.
        item_id: ItemId,
        /// Text to append to the thought.
        text: String,
        /// Whether this starts another thought after an earlier one of the same run. A blank
        /// line separates the two in [`Message::reasoning`].
        starts_another: bool,
    },
    /// A tool has been called.
    ToolCallStarted(Box<ToolCall>),
    /// A tool has given its result, or has failed.
    ToolCallCompleted(Box<ToolCall>),
    /// The answer has been stored, whole or as far as it came: this is its text, whatever was
    /// collected before.
    MessageCompleted(Box<Message>),
    /// An item is there no more, or will not be.
    ItemRemoved {
        /// Which.
        item_id: ItemId,
    },
    /// What ChatKit's clients alone are told, as the JSON that they read.
    ChatKit(String),
    /// The run has ended, as its status says.
    Ended(Box<Run>),
}

/// Events of a run that follow each other, all of them before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBatch {
    /// The run.
    pub run_id: RunId,
    /// Its answer, to which the text belongs.
    pub message_id: ItemId,
    /// The events, numbered without a gap.
    pub events: Vec<NumberedEvent>,
}

/// The number of a run's last event, when this was the last before its end: the answer, where one
/// was kept, and the end follow.
#[must_use]
pub const fn last_event_number(before: u64, is_interrupted: bool, has_answer: bool) -> u64 {
    let gap = if is_interrupted { INTERRUPTED_GAP } else { 1 };
    before + gap + has_answer as u64
}

/// How a run that ended tells its end.
#[must_use]
pub fn closing_events(run: &Run, answer: Option<&Message>, last_number: u64) -> Vec<NumberedEvent> {
    let answer = answer.map(|message| RunEvent::MessageCompleted(Box::new(message.clone())));
    let events = answer
        .into_iter()
        .chain([RunEvent::Ended(Box::new(run.clone()))]);
    numbered_to(events.collect(), last_number)
}

/// The events of a run that ended with numbers greater than `after`, from what it left: its text
/// comes at once. Who has seen a part of it under the numbers that it once had is only told the
/// end, which holds the whole answer.
#[must_use]
pub fn retold_events(outcome: &RunOutcome, last_number: u64, after: u64) -> Vec<NumberedEvent> {
    let RunOutcome {
        run,
        user_message,
        assistant_message,
    } = outcome;
    let mut events = vec![RunEvent::Started(Box::new(run.as_begun()))];
    if user_message.run_id == Some(run.id) {
        events.push(RunEvent::MessageCreated(Box::new(user_message.clone())));
    }
    for call in &run.tool_calls {
        events.push(RunEvent::ToolCallStarted(Box::new(call.as_started())));
        if call.is_told() {
            events.push(RunEvent::ToolCallCompleted(Box::new(call.as_told())));
        }
    }
    if let Some(message) = assistant_message.as_ref().filter(|m| !m.content.is_empty()) {
        events.push(RunEvent::MessageDelta {
            message_id: message.id,
            part: None,
            text: message.content.clone(),
        });
    }
    let closing = closing_events(run, assistant_message.as_ref(), last_number);
    let before = last_number.saturating_sub(closing.len() as u64);
    // Tools that read run at the same time, so that their events may have come in another order.
    let was_numbered_so = events.len() as u64 == before && run.tool_calls.is_empty();
    if after > 0 && !was_numbered_so {
        events.clear();
    }
    let mut events = numbered_to(events, before);
    events.extend(closing);
    events.retain(|event| event.number > after);
    events
}

/// Numbers events so that the last has this number, or as many as there are.
fn numbered_to(events: Vec<RunEvent>, last: u64) -> Vec<NumberedEvent> {
    let count = events.len() as u64;
    let first = last.max(count) - count + 1;
    (first..)
        .zip(events)
        .map(|(number, event)| NumberedEvent { number, event })
        .collect()
}
