//! `/api/chat/conversations/{conversation_id}/runs/{run_id}/events`.

use std::sync::Arc;

use chatkit_agent::{Cut, Follower};
use chatkit_domain::{ConversationId, NumberedEvent, RunId};
use futures::{Stream, StreamExt, stream};
use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Query},
    payload::Payload,
    registry::{MetaSchemaRef, Registry},
    types::Type,
};

use super::{
    extract::{Call, Path},
    projection::project,
    schema::event::RunEvent,
};
use crate::{contract::tags::Tags, problem::ApiError, sse};

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

/// The text of a stream for a follower.
fn texts(follower: Follower) -> impl Stream<Item = String> + Send {
    let opening = stream::once(async { sse::COMMENT.to_owned() });
    let events = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        let silent_until = tokio::time::Instant::now() + sse::HEARTBEAT;
        loop {
            let next = tokio::time::timeout_at(silent_until, follower.next());
            let text = match next.await {
                Err(_) => sse::COMMENT.to_owned(),
                Ok(Ok(Some(events))) => frames(&events),
                Ok(Ok(None)) => return None,
                Ok(Err(Cut::Slow | Cut::Draining | Cut::Unavailable)) => {
                    return Some((sse::RETRY.to_owned(), None));
                }
            };
            // REST does not show all events.
            if !text.is_empty() {
                return Some((text, Some(follower)));
            }
        }
    });
    opening.chain(events)
}

fn frames(events: &[Arc<NumberedEvent>]) -> String {
    let mut text = String::new();
    for numbered in events {
        let Some(event) = project(&numbered.event) else {
            continue;
        };
        // These types serialize without fail: their keys are strings.
        let data = serde_json::to_string(&event).unwrap_or_default();
        let name = event.name();
        text.push_str("id: ");
        text.push_str(&numbered.number.to_string());
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
    /// Server-sent events, each with its number as `id` and its type as `event`. The stream ends with
    /// the run. If it ends earlier, connect again with the number of the last event.
    #[oai(status = 200)]
    Events(RunEvents),
    /// The run has ended, and there is no event after that number. Do not connect again.
    #[oai(status = 204)]
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EventsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Runs")]
impl EventsApi {
    /// Follow a run
    ///
    /// Returns server-sent events, which an `EventSource` can read. Any number of clients can follow
    /// a run, from any event, at any replica. Numbers increase and may have gaps. The deltas form
    /// the answer, and `message.completed` replaces the collected text.
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id/events",
        method = "get",
        operation_id = "followRun"
    )]
    async fn follow(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The id of the run.
        run_id: Path<RunId>,
        /// The number of the last event that the client has; 0 for all events.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        after: Query<Option<u64>>,
        /// The same number, as an `EventSource` sends it when it connects again. It takes precedence
        /// over `after`.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<String>>,
    ) -> Result<FollowResponse, ApiError> {
        let after = match last_event_id.0.as_deref() {
            None | Some("") => after.0.unwrap_or_default(),
            Some(number) => number.parse().map_err(|_| {
                ApiError::invalid("Last-Event-ID", "must be the number of an event")
            })?,
        };
        let agent = call.state.agent();
        let follower = agent.follow(&call.caller, conversation_id.0, run_id.0, after);
        let follower = follower.await;
        let follower = follower?;
        Ok(follower.map_or(FollowResponse::Nothing, |follower| {
            FollowResponse::Events(RunEvents(follower))
        }))
    }
}
