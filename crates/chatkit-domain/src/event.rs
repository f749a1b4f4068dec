//! The events of a run: one type for everything that happens during a run. Each dialect converts
//! them to its wire format.
//!
//! Events are numbered from 1, and each fact is emitted once. While a run is recent, the events
//! before its end are stored. The closing events are not stored. They are derived from the rows of
//! the run, and the number of the last one is stored with the run.

use std::sync::Arc;

use chatkit_protocol::{ItemKind, NoticeLevel, StreamOptions, ThreadItemUpdate, ThreadStreamEvent};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{Conversation, DisplayItem, ItemId, Message, Run, RunId, RunOutcome, ToolCall};

/// The distance between the numbers of an interrupted run's last stored event and its end. No
/// process that has lost the run can emit that many events.
const INTERRUPTED_GAP: u64 = 1_000_000;

/// An event with its number. Numbers increase within a run.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEvent {
    /// The number, from 1.
    pub number: u64,
    /// The event.
    pub event: RunEvent,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The run has started.
    Started(Box<Run>),
    /// A message was stored, replaced, or removed.
    Message(MessageEvent),
    /// A piece of the assistant's text.
    Text {
        /// The message.
        item: ItemId,
        /// The index of the message's part, if the start of the message was emitted as an item.
        /// `None` for a message that this text starts or continues, as the agent's answer.
        part: Option<u32>,
        /// Text to append.
        delta: String,
    },
    /// A piece of the reasoning that the model shows.
    Reasoning {
        /// The answer that the reasoning belongs to.
        message: ItemId,
        /// The item that shows this thought.
        item: ItemId,
        /// Text to append to the thought.
        delta: String,
        /// Whether this starts another thought after an earlier one of the same run. A blank
        /// line separates the two in [`Message::reasoning`].
        starts_another: bool,
    },
    /// A tool call has started or ended.
    ToolCall(ToolCallEvent),
    /// An item that is not a message has changed.
    Item(ItemEvent),
    /// The run has changed its conversation's title, status, or image domains.
    Conversation(Box<Conversation>),
    /// Information that clients show and that is never stored with the conversation.
    Aside(Aside),
    /// The run has ended, as its status says.
    Ended(Box<Run>),
}

/// A change of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageEvent {
    /// The user's message is stored. Not emitted if an existing message is answered again.
    Created(Box<Message>),
    /// An assistant message is stored. Its text replaces the collected text.
    Completed(Box<Message>),
    /// A stored assistant message has new content.
    Replaced(Box<Message>),
    /// An assistant message is withdrawn. It may have been stored, or only started.
    Removed(ItemId),
}

/// A change of a tool call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolCallEvent {
    /// The call is recorded, and the tool starts.
    Started(Box<ToolCall>),
    /// The tool has returned a result, or has failed.
    Completed(Box<ToolCall>),
}

/// A change of an item that clients show between the messages, or of an assistant message that a
/// responder writes piece by piece.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemEvent {
    /// The item has started and will change. It is not stored.
    Added(Box<ItemState>),
    /// The item has changed. The change is not stored.
    Updated {
        /// The item.
        item: ItemId,
        /// The change.
        update: Box<ThreadItemUpdate>,
    },
    /// The item is complete and stored.
    Done(Box<ItemState>),
    /// A stored item has new content.
    Replaced(Box<ItemState>),
    /// The item is withdrawn. It may have been stored, or only started.
    Removed(ItemId),
}

/// An item at one moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemState {
    /// The item's id.
    pub id: ItemId,
    /// The time at which the item was stored, or started if it is not stored.
    pub created_at: DateTime<Utc>,
    /// The content.
    pub kind: ItemKind,
}

impl From<DisplayItem> for ItemState {
    fn from(item: DisplayItem) -> Self {
        Self {
            id: item.id,
            created_at: item.created_at,
            kind: item.kind,
        }
    }
}

/// Information that clients show during a run and that is not part of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Aside {
    /// The assistant's current activity.
    Progress {
        /// A short text.
        text: String,
        /// The name of an icon before it.
        icon: Option<String>,
    },
    /// A notice for the user.
    Notice {
        /// The severity.
        level: NoticeLevel,
        /// The text, in Markdown.
        message: String,
        /// A title above it.
        title: Option<String>,
    },
    /// An effect that the host application carries out.
    Effect {
        /// The name of the effect.
        name: String,
        /// Its arguments.
        data: Map<String, Value>,
    },
    /// The turn failed.
    Error {
        /// `custom` for a message to show, or `stream.error` if clients use their own message.
        code: String,
        /// The message.
        message: Option<String>,
        /// Whether clients offer to retry.
        allow_retry: bool,
    },
    /// The rights of the client over the stream from now on.
    StreamOptions {
        /// Whether the client may stop the run. A client that disconnects then stops it.
        allow_cancel: bool,
    },
}

/// Consecutive events of a run, all of them before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBatch {
    /// The run.
    pub run_id: RunId,
    /// The run's answer, to which text without a part belongs.
    pub message_id: ItemId,
    /// The events, numbered without a gap.
    pub events: Vec<Arc<NumberedEvent>>,
}

/// The number of a run's last event, if `before` is the number of the last one before its end.
/// `emits_answer` is whether the answer is emitted between the two. After an interruption it always
/// is if there is one, because followers may have seen events that were not stored.
#[must_use]
pub const fn last_event_number(before: u64, is_interrupted: bool, emits_answer: bool) -> u64 {
    let gap = if is_interrupted { INTERRUPTED_GAP } else { 1 };
    before + gap + emits_answer as u64
}

/// The events that end a run and follow the event `after`: the answer, then the end. If no number
/// is left for the answer between the two, the follower has it.
#[must_use]
pub fn closing_events(
    run: &Run,
    answer: Option<&Message>,
    last_number: u64,
    after: u64,
) -> Vec<Arc<NumberedEvent>> {
    let has_answer = last_number.saturating_sub(after) == 1;
    let answer = answer
        .filter(|_| !has_answer)
        .map(|message| RunEvent::Message(MessageEvent::Completed(Box::new(message.clone()))));
    let events = answer
        .into_iter()
        .chain([RunEvent::Ended(Box::new(run.clone()))]);
    numbered_to(events.collect(), last_number)
}

/// The events of an ended run with numbers greater than `after`, rebuilt from the rows of the run.
/// The text is one piece. A follower that has seen some of the events under their first numbers
/// gets only the closing events, which contain the whole answer.
#[must_use]
pub fn rebuilt_events(
    outcome: &RunOutcome,
    last_number: u64,
    after: u64,
) -> Vec<Arc<NumberedEvent>> {
    let answer = outcome.assistant_message.as_ref();
    let closing = closing_events(&outcome.run, answer, last_number, after);
    let before = last_number.saturating_sub(1 + u64::from(answer.is_some()));
    let mut opening = opening_events(outcome);
    if opening.len() as u64 > before {
        // The answer was stored as a whole, so the run emitted no text.
        opening.retain(|event| !matches!(event, RunEvent::Text { .. }));
    }
    // Read-only tools run concurrently, so their events may have had another order.
    let was_numbered_so = opening.len() as u64 == before && outcome.run.tool_calls.is_empty();
    let mut events = if after == 0 || was_numbered_so {
        numbered_to(opening, before)
    } else {
        Vec::new()
    };
    events.extend(closing);
    events.retain(|event| event.number > after);
    events
}

/// Everything before the closing events.
fn opening_events(outcome: &RunOutcome) -> Vec<RunEvent> {
    let RunOutcome {
        run,
        user_message,
        assistant_message,
    } = outcome;
    let mut events = vec![RunEvent::Started(Box::new(run.as_started()))];
    if user_message.run_id == Some(run.id) {
        let message = Box::new(user_message.clone());
        events.push(RunEvent::Message(MessageEvent::Created(message)));
    }
    for call in &run.tool_calls {
        let started = Box::new(call.as_started());
        events.push(RunEvent::ToolCall(ToolCallEvent::Started(started)));
        if call.is_emitted_as_completed() {
            let completed = Box::new(call.without_message());
            events.push(RunEvent::ToolCall(ToolCallEvent::Completed(completed)));
        }
    }
    if let Some(message) = assistant_message.as_ref().filter(|m| !m.content.is_empty()) {
        events.push(RunEvent::Text {
            item: message.id,
            part: None,
            delta: message.content.clone(),
        });
    }
    events
}

/// Numbers events so that the last one has this number, or the number of events if that is
/// greater.
fn numbered_to(events: Vec<RunEvent>, last: u64) -> Vec<Arc<NumberedEvent>> {
    let count = events.len() as u64;
    let first = last.max(count) - count + 1;
    (first..)
        .zip(events)
        .map(|(number, event)| Arc::new(NumberedEvent { number, event }))
        .collect()
}

impl From<Aside> for ThreadStreamEvent {
    fn from(aside: Aside) -> Self {
        match aside {
            Aside::Progress { text, icon } => Self::ProgressUpdate { text, icon },
            Aside::Notice {
                level,
                message,
                title,
            } => Self::Notice {
                level,
                message,
                title,
            },
            Aside::Effect { name, data } => Self::ClientEffect { name, data },
            Aside::Error {
                code,
                message,
                allow_retry,
            } => Self::Error {
                code,
                message,
                allow_retry,
            },
            Aside::StreamOptions { allow_cancel } => Self::StreamOptions {
                stream_options: StreamOptions { allow_cancel },
            },
        }
    }
}

/// Fails with the event itself if it is not an aside.
impl TryFrom<ThreadStreamEvent> for Aside {
    type Error = Box<ThreadStreamEvent>;

    fn try_from(event: ThreadStreamEvent) -> Result<Self, Box<ThreadStreamEvent>> {
        Ok(match event {
            ThreadStreamEvent::ProgressUpdate { text, icon } => Self::Progress { text, icon },
            ThreadStreamEvent::Notice {
                level,
                message,
                title,
            } => Self::Notice {
                level,
                message,
                title,
            },
            ThreadStreamEvent::ClientEffect { name, data } => Self::Effect { name, data },
            ThreadStreamEvent::Error {
                code,
                message,
                allow_retry,
            } => Self::Error {
                code,
                message,
                allow_retry,
            },
            ThreadStreamEvent::StreamOptions { stream_options } => Self::StreamOptions {
                allow_cancel: stream_options.allow_cancel,
            },
            event => return Err(Box::new(event)),
        })
    }
}
