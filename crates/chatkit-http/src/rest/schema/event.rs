//! The events of a run on the wire.

use chatkit_domain::{PARAGRAPH, RunStatus};
use poem_openapi::{Object, Union};
use serde::Serialize;
use uuid::Uuid;

use super::{
    message::Message,
    run::{Run, ToolCall},
};

/// An event of a run. Ignore events with an unknown type: new types may be added.
#[derive(Debug, Serialize, Union)]
#[serde(tag = "type")]
#[oai(one_of = true)]
pub(crate) enum RunEvent {
    #[serde(rename = "run.started")]
    Started(RunStarted),
    #[serde(rename = "message.created")]
    MessageCreated(MessageCreated),
    #[serde(rename = "message.delta")]
    MessageDelta(MessageDelta),
    #[serde(rename = "reasoning.delta")]
    ReasoningDelta(ReasoningDelta),
    #[serde(rename = "tool_call.started")]
    ToolCallStarted(ToolCallStarted),
    #[serde(rename = "tool_call.completed")]
    ToolCallCompleted(ToolCallCompleted),
    #[serde(rename = "message.completed")]
    MessageCompleted(MessageCompleted),
    #[serde(rename = "run.completed")]
    Completed(RunCompleted),
    #[serde(rename = "run.failed")]
    Failed(RunFailed),
    #[serde(rename = "run.cancelled")]
    Cancelled(RunCancelled),
}

/// The name and the schema of each event.
pub(crate) const EVENTS: [(&str, &str); 10] = [
    ("run.started", "RunStarted"),
    ("message.created", "MessageCreated"),
    ("message.delta", "MessageDelta"),
    ("reasoning.delta", "ReasoningDelta"),
    ("tool_call.started", "ToolCallStarted"),
    ("tool_call.completed", "ToolCallCompleted"),
    ("message.completed", "MessageCompleted"),
    ("run.completed", "RunCompleted"),
    ("run.failed", "RunFailed"),
    ("run.cancelled", "RunCancelled"),
];

/// The run has started.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunStarted {
    /// The run.
    run: Run,
}

/// The user's message has been stored. Not sent when an existing message is answered again.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageCreated {
    /// The user's message.
    message: Message,
}

/// More text of the answer.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageDelta {
    /// The id of the answer.
    message_id: Uuid,
    /// Text to append to the answer.
    text: String,
}

/// More text of the model's reasoning, which is not part of the answer. The pieces form the message's
/// `reasoning`. Not replayed after the run's events have been deleted.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ReasoningDelta {
    /// The id of the answer to which the reasoning belongs.
    message_id: Uuid,
    /// Text to append to the reasoning.
    text: String,
}

/// The assistant has called a tool.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallStarted {
    /// The call.
    tool_call: ToolCall,
}

/// A tool has returned its result, or has failed.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallCompleted {
    /// The call.
    tool_call: ToolCall,
}

/// The answer has been stored, complete or incomplete. It replaces the text collected from deltas.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageCompleted {
    /// The answer.
    message: Message,
}

/// The run has ended with an answer.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunCompleted {
    /// The run.
    run: Run,
}

/// The run has failed. Text from before an interruption stays stored.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunFailed {
    /// The run.
    run: Run,
}

/// The run was stopped. The text so far stays stored.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunCancelled {
    /// The run.
    run: Run,
}

impl RunEvent {
    /// The event on the wire. Returns `None` for events of other dialects.
    pub(crate) fn of(event: chatkit_domain::RunEvent) -> Option<Self> {
        use chatkit_domain::RunEvent as Event;
        Some(match event {
            Event::Started(run) => Self::Started(RunStarted { run: (*run).into() }),
            Event::MessageCreated(message) => Self::MessageCreated(MessageCreated {
                message: (*message).into(),
            }),
            Event::MessageDelta {
                message_id, text, ..
            } => Self::MessageDelta(MessageDelta {
                message_id: message_id.uuid(),
                text,
            }),
            Event::ReasoningDelta {
                message_id,
                item_id: _,
                text,
                starts_another,
            } => Self::ReasoningDelta(ReasoningDelta {
                message_id: message_id.uuid(),
                text: if starts_another {
                    format!("{PARAGRAPH}{text}")
                } else {
                    text
                },
            }),
            Event::ItemRemoved { .. } | Event::ChatKit(_) => return None,
            Event::ToolCallStarted(call) => Self::ToolCallStarted(ToolCallStarted {
                tool_call: (*call).into(),
            }),
            Event::ToolCallCompleted(call) => Self::ToolCallCompleted(ToolCallCompleted {
                tool_call: (*call).into(),
            }),
            Event::MessageCompleted(message) => Self::MessageCompleted(MessageCompleted {
                message: (*message).into(),
            }),
            Event::Ended(run) => {
                let status = run.status;
                let run = (*run).into();
                match status {
                    RunStatus::Failed => Self::Failed(RunFailed { run }),
                    RunStatus::Cancelled => Self::Cancelled(RunCancelled { run }),
                    RunStatus::Completed
                    | RunStatus::Queued
                    | RunStatus::Running
                    | RunStatus::AwaitingApproval => Self::Completed(RunCompleted { run }),
                }
            }
        })
    }

    /// The name of the event, which is also its `type`.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "run.started",
            Self::MessageCreated(_) => "message.created",
            Self::MessageDelta(_) => "message.delta",
            Self::ReasoningDelta(_) => "reasoning.delta",
            Self::ToolCallStarted(_) => "tool_call.started",
            Self::ToolCallCompleted(_) => "tool_call.completed",
            Self::MessageCompleted(_) => "message.completed",
            Self::Completed(_) => "run.completed",
            Self::Failed(_) => "run.failed",
            Self::Cancelled(_) => "run.cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example;

    use super::*;

    #[test]
    fn an_event_says_its_name_twice() {
        let (run, message) = (Run::example, Message::user_example);
        let tool_call = ToolCall::example;
        let events = [
            RunEvent::Started(RunStarted { run: run() }),
            RunEvent::MessageCreated(MessageCreated { message: message() }),
            RunEvent::MessageDelta(MessageDelta {
                message_id: Uuid::nil(),
                text: String::new(),
            }),
            RunEvent::ReasoningDelta(ReasoningDelta {
                message_id: Uuid::nil(),
                text: String::new(),
            }),
            RunEvent::ToolCallStarted(ToolCallStarted {
                tool_call: tool_call(),
            }),
            RunEvent::ToolCallCompleted(ToolCallCompleted {
                tool_call: tool_call(),
            }),
            RunEvent::MessageCompleted(MessageCompleted { message: message() }),
            RunEvent::Completed(RunCompleted { run: run() }),
            RunEvent::Failed(RunFailed { run: run() }),
            RunEvent::Cancelled(RunCancelled { run: run() }),
        ];
        for (event, (name, _)) in events.iter().zip(EVENTS) {
            assert_eq!(event.name(), name);
            assert_eq!(serde_json::to_value(event).unwrap()["type"], name);
        }
    }
}
