//! The events of a run as REST clients read them.

use chatkit_domain::{self as domain, MessageEvent, PARAGRAPH, RunStatus, ToolCallEvent};

use super::schema::event::{
    MessageCompleted, MessageCreated, MessageDelta, MessageRemoved, ReasoningDelta, RunCancelled,
    RunCompleted, RunEvent, RunFailed, RunStarted, ToolCallCompleted, ToolCallStarted,
};

/// Projects an event. `None` for events that REST does not show: items, asides, and changes of the
/// conversation.
pub(super) fn project(event: &domain::RunEvent) -> Option<RunEvent> {
    use domain::RunEvent as Event;
    Some(match event {
        Event::Started(run) => RunEvent::Started(RunStarted {
            run: (**run).clone().into(),
        }),
        Event::Message(event) => of_message(event),
        Event::Text { item, delta, .. } => RunEvent::MessageDelta(MessageDelta {
            message_id: item.uuid(),
            text: delta.clone(),
        }),
        Event::Reasoning {
            message,
            delta,
            starts_another,
            ..
        } => RunEvent::ReasoningDelta(ReasoningDelta {
            message_id: message.uuid(),
            text: if *starts_another {
                format!("{PARAGRAPH}{delta}")
            } else {
                delta.clone()
            },
        }),
        Event::ToolCall(ToolCallEvent::Started(call)) => {
            RunEvent::ToolCallStarted(ToolCallStarted {
                tool_call: (**call).clone().into(),
            })
        }
        Event::ToolCall(ToolCallEvent::Completed(call)) => {
            RunEvent::ToolCallCompleted(ToolCallCompleted {
                tool_call: (**call).clone().into(),
            })
        }
        Event::Ended(run) => of_end(run),
        Event::Item(_) | Event::Conversation(_) | Event::Aside(_) => return None,
    })
}

/// REST has no event for a replaced message. `message.completed` replaces the collected text.
fn of_message(event: &MessageEvent) -> RunEvent {
    match event {
        MessageEvent::Created(message) => RunEvent::MessageCreated(MessageCreated {
            message: (**message).clone().into(),
        }),
        MessageEvent::Completed(message) | MessageEvent::Replaced(message) => {
            RunEvent::MessageCompleted(MessageCompleted {
                message: (**message).clone().into(),
            })
        }
        MessageEvent::Removed(id) => RunEvent::MessageRemoved(MessageRemoved {
            message_id: id.uuid(),
        }),
    }
}

fn of_end(run: &domain::Run) -> RunEvent {
    let status = run.status;
    let run = run.clone().into();
    match status {
        RunStatus::Failed => RunEvent::Failed(RunFailed { run }),
        RunStatus::Cancelled => RunEvent::Cancelled(RunCancelled { run }),
        RunStatus::Completed
        | RunStatus::Queued
        | RunStatus::Running
        | RunStatus::AwaitingApproval => RunEvent::Completed(RunCompleted { run }),
    }
}
