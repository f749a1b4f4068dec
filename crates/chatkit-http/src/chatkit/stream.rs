//! The stream of a turn.

use chatkit_agent::{Agent, StartedRun, thread::to_message};
use chatkit_domain::{Aside, ConversationId, Run, RunEvent, RunId, replace_escaped_nul};
use chatkit_protocol::{StreamOptions, ThreadStreamEvent};
use futures::{Stream, StreamExt, stream};
use poem::Response;

use super::projection::{Projection, failure};
use crate::{sse, state::ApiState};

/// The rights of a client over a stream at its start.
pub(super) fn options(state: &ApiState) -> ThreadStreamEvent {
    ThreadStreamEvent::StreamOptions {
        stream_options: StreamOptions {
            allow_cancel: state.options().chatkit_allow_cancel,
        },
    }
}

/// A stream with the character encoding in its content type, like the reference server's.
fn response(texts: impl Stream<Item = String> + Send + 'static) -> Response {
    sse::response(texts).set_content_type("text/event-stream; charset=utf-8")
}

/// The stream of a turn that does not start.
pub(super) fn refusal(message: &str) -> Response {
    let event = ThreadStreamEvent::Error {
        code: "custom".to_owned(),
        message: Some(message.to_owned()),
        allow_retry: true,
    };
    let text = frame(&event);
    response(stream::once(async move { text }))
}

/// The stream of a turn that has started. It is dropped when the client disconnects.
pub(super) struct ChatKitStream {
    started: StartedRun,
    projection: Projection,
    stop: StopOnDrop,
}

impl ChatKitStream {
    pub(super) fn new(state: &ApiState, started: StartedRun, locale: Option<&str>) -> Self {
        Self {
            stop: StopOnDrop {
                agent: state.agent().clone(),
                run: Some(started.run.id),
                may_stop: state.options().chatkit_allow_cancel,
            },
            projection: Projection::new(&started, state.clock().clone(), locale),
            started,
        }
    }

    pub(super) fn run(&self) -> &Run {
        &self.started.run
    }

    pub(super) fn thread(&self) -> ConversationId {
        self.started.run.conversation_id
    }

    /// The user's message.
    pub(super) fn user_message(&self) -> ThreadStreamEvent {
        ThreadStreamEvent::ItemDone {
            item: to_message(self.started.user_message.clone()),
        }
    }

    /// The response, which starts with these events.
    pub(super) fn response(self, opening: &[ThreadStreamEvent]) -> Response {
        let opening: String = opening.iter().map(frame).collect();
        response(stream::once(async move { opening }).chain(texts(self)))
    }
}

/// Stops a run when the client disconnects, which is how ChatKit's clients stop one.
struct StopOnDrop {
    agent: Agent,
    /// The run, as long as a disconnect may stop it.
    run: Option<RunId>,
    /// Whether the client was allowed to stop the run, by the last stream options.
    may_stop: bool,
}

impl StopOnDrop {
    /// The run has ended, or continues elsewhere.
    fn disarm(&mut self) {
        self.run = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(run) = self.run.filter(|_| self.may_stop) {
            self.agent.stop_own(run);
        }
    }
}

fn texts(turn: ChatKitStream) -> impl Stream<Item = String> + Send {
    stream::unfold(Some(turn), |turn| async move {
        let mut turn = turn?;
        let silent_until = tokio::time::Instant::now() + sse::HEARTBEAT;
        loop {
            let next = tokio::time::timeout_at(silent_until, turn.started.next_events());
            let Ok(events) = next.await else {
                return Some((sse::COMMENT.to_owned(), Some(turn)));
            };
            let Some(events) = events else {
                // The end of the run is not known here.
                turn.stop.disarm();
                return Some((frame(&failure()), None));
            };
            let mut projected = Vec::new();
            let mut has_ended = false;
            for numbered in events {
                has_ended |= matches!(numbered.event, RunEvent::Ended(_));
                if let RunEvent::Aside(Aside::StreamOptions { allow_cancel }) = numbered.event {
                    turn.stop.may_stop = allow_cancel;
                }
                turn.projection.project(&numbered.event, &mut projected);
            }
            let text: String = projected.iter().map(frame).collect();
            if has_ended {
                turn.stop.disarm();
                return Some((text, None));
            }
            if !text.is_empty() {
                return Some((text, Some(turn)));
            }
        }
    })
}

/// A server-sent event.
fn frame(event: &ThreadStreamEvent) -> String {
    // These types serialize without fail: their keys are strings.
    let json = replace_escaped_nul(serde_json::to_string(event).unwrap_or_default());
    format!("data: {json}\n\n")
}
