//! `/api/chat/conversations/{conversation_id}/runs/{run_id}/events`.

use chatkit_agent::{Cut, Follower};
use chatkit_domain::{NumberedEvent, PARAGRAPH, RunId, RunStatus};
use futures::{Stream, StreamExt, stream};
use poem::{IntoResponse, Response, web::Data};
use poem_openapi::{
    ApiResponse, Object, OpenApi, Union,
    param::{Header, Path, Query},
    payload::Payload,
    registry::{MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    auth::Authenticated,
    document::Tags,
    messages::Message,
    problem::{ApiError, Resource},
    runs::{Run, ToolCall},
    shell, sse,
    state::ApiState,
};

/// A step of a run. Unknown types may come and are to be passed over.
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

/// The run has begun.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunStarted {
    /// The run.
    run: Run,
}

/// What the user said has been stored. A message that is answered again was told when it was new.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageCreated {
    /// What the user said.
    message: Message,
}

/// The answer goes on.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MessageDelta {
    /// The answer.
    message_id: Uuid,
    /// What is added to it.
    text: String,
}

/// More of the model's reasoning, which is not part of the answer. The pieces of a run form the
/// message's `reasoning`. Not replayed after the run's events have been deleted.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ReasoningDelta {
    /// The answer that the reasoning belongs to.
    message_id: Uuid,
    /// Text to append to the reasoning.
    text: String,
}

/// A tool has been called.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallStarted {
    /// The call.
    tool_call: ToolCall,
}

/// A tool has given its result, or has failed.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ToolCallCompleted {
    /// The call.
    tool_call: ToolCall,
}

/// The answer has been stored, whole or as far as it came. It replaces what was collected.
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

/// The run has failed. What was said before an interruption is kept.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunFailed {
    /// The run.
    run: Run,
}

/// The run was stopped. What was said so far is kept.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RunCancelled {
    /// The run.
    run: Run,
}

impl RunEvent {
    /// The event as it is told here; none of those that are for other dialects.
    fn of(event: chatkit_domain::RunEvent) -> Option<Self> {
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

    const fn name(&self) -> &'static str {
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

/// A stream of events.
#[derive(Debug)]
pub(crate) struct RunEvents(Follower);

impl Payload for RunEvents {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn schema_ref() -> MetaSchemaRef {
        RunEvent::schema_ref()
    }

    fn register(registry: &mut Registry) {
        RunEvent::register(registry);
    }
}

impl IntoResponse for RunEvents {
    fn into_response(self) -> Response {
        sse::response(texts(self.0))
    }
}

/// What is sent to who follows a run.
fn texts(follower: Follower) -> impl Stream<Item = String> + Send {
    let opening = stream::once(async { sse::COMMENT.to_owned() });
    let events = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        let silent_until = tokio::time::Instant::now() + sse::HEARTBEAT;
        loop {
            let next = tokio::time::timeout_at(silent_until, follower.next());
            let text = match next.await {
                Err(_) => sse::COMMENT.to_owned(),
                Ok(Ok(Some(events))) => frames(events),
                Ok(Ok(None)) => return None,
                Ok(Err(Cut::Slow | Cut::Draining | Cut::Unavailable)) => {
                    return Some((sse::RETRY.to_owned(), None));
                }
            };
            // Of some events nothing is told here.
            if !text.is_empty() {
                return Some((text, Some(follower)));
            }
        }
    });
    opening.chain(events)
}

fn frames(events: Vec<NumberedEvent>) -> String {
    let mut text = String::new();
    for NumberedEvent { number, event } in events {
        let Some(event) = RunEvent::of(event) else {
            continue;
        };
        // What is told here is written without fail: its keys are strings.
        let data = serde_json::to_string(&event).unwrap_or_default();
        let name = event.name();
        text.push_str("id: ");
        text.push_str(&number.to_string());
        text.push_str("\nevent: ");
        text.push_str(name);
        text.push_str("\ndata: ");
        text.push_str(&data);
        text.push_str("\n\n");
    }
    text
}

#[derive(ApiResponse)]
pub(crate) enum FollowResponse {
    /// The events, each with its number as `id` and its type as `event`. The stream ends with the
    /// run; one that ends before can be gone on with.
    #[oai(status = 200)]
    Events(RunEvents),
    /// The run has ended and there is nothing behind that event: the end of following it.
    #[oai(status = 204)]
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EventsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Runs")]
impl EventsApi {
    /// Follow a run as it answers
    ///
    /// Server-sent events, as an `EventSource` reads them. The run does not mind who follows it:
    /// any number may, from any point, at any replica. Numbers rise and may have gaps; the deltas
    /// add up to the answer, and `message.completed` replaces what was collected.
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id/events",
        method = "get",
        operation_id = "followRun"
    )]
    async fn follow(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// The run.
        run_id: Path<Uuid>,
        /// The number of the last event that is known; 0 for all.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        after: Query<Option<u64>>,
        /// The same, as an `EventSource` sends it when it connects again. Wins over `after`.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<String>>,
    ) -> Result<FollowResponse, ApiError> {
        let conversation = shell::conversation(conversation_id.0);
        let run = RunId::new(run_id.0);
        shell::note_run(run);
        let after = match last_event_id.0.as_deref() {
            None | Some("") => after.0.unwrap_or_default(),
            Some(number) => number
                .parse()
                .map_err(|_| ApiError::invalid("Last-Event-ID", "must be an event's number"))?,
        };
        let follower = state.agent().follow(&caller.0, conversation, run, after);
        let follower = follower
            .await
            .map_err(|error| match ApiError::from(error) {
                ApiError::NotFound(_) => ApiError::NotFound(Resource::Run),
                error => error,
            })?;
        Ok(follower.map_or(FollowResponse::Nothing, |follower| {
            FollowResponse::Events(RunEvents(follower))
        }))
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
