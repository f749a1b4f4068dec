//! The events of a run on the wire.

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
    #[serde(rename = "message.removed")]
    MessageRemoved(MessageRemoved),
    #[serde(rename = "run.completed")]
    Completed(RunCompleted),
    #[serde(rename = "run.failed")]
    Failed(RunFailed),
    #[serde(rename = "run.cancelled")]
    Cancelled(RunCancelled),
}

/// The name and the schema of each event.
pub(crate) const EVENTS: [(&str, &str); 11] = [
    ("run.started", "RunStarted"),
    ("message.created", "MessageCreated"),
    ("message.delta", "MessageDelta"),
    ("reasoning.delta", "ReasoningDelta"),
    ("tool_call.started", "ToolCallStarted"),
    ("tool_call.completed", "ToolCallCompleted"),
    ("message.completed", "MessageCompleted"),
    ("message.removed", "MessageRemoved"),
    ("run.completed", "RunCompleted"),
    ("run.failed", "RunFailed"),
    ("run.cancelled", "RunCancelled"),
];

/// The run has started.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunStarted {
    /// The run.
    pub(crate) run: Run,
}

/// The user's message has been stored. Not sent when an existing message is answered again.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageCreated {
    /// The user's message.
    pub(crate) message: Message,
}

/// More text of the answer.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageDelta {
    /// The id of the answer.
    pub(crate) message_id: Uuid,
    /// Text to append to the answer.
    pub(crate) text: String,
}

/// More text of the model's reasoning, which is not part of the answer. The pieces form the message's
/// `reasoning`. Not replayed after the run's events have been deleted.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ReasoningDelta {
    /// The id of the answer to which the reasoning belongs.
    pub(crate) message_id: Uuid,
    /// Text to append to the reasoning.
    pub(crate) text: String,
}

/// The assistant has called a tool.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallStarted {
    /// The call.
    pub(crate) tool_call: ToolCall,
}

/// A tool has returned its result, or has failed.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallCompleted {
    /// The call.
    pub(crate) tool_call: ToolCall,
}

/// The answer has been stored, complete or incomplete. It replaces the text collected from deltas.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageCompleted {
    /// The answer.
    pub(crate) message: Message,
}

/// An assistant message of the run has been withdrawn. Remove it, if you show it.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageRemoved {
    /// The id of the message.
    pub(crate) message_id: Uuid,
}

/// The run has ended with an answer.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunCompleted {
    /// The run.
    pub(crate) run: Run,
}

/// The run has failed. Text from before an interruption stays stored.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunFailed {
    /// The run.
    pub(crate) run: Run,
}

/// The run was stopped. The text so far stays stored.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunCancelled {
    /// The run.
    pub(crate) run: Run,
}

impl RunEvent {
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
            Self::MessageRemoved(_) => "message.removed",
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
    fn the_type_of_an_event_is_its_name() {
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
            RunEvent::MessageRemoved(MessageRemoved {
                message_id: Uuid::nil(),
            }),
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
