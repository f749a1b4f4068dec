//! From the events of a run to those of a thread.

use std::{collections::HashMap, sync::Arc};

use chatkit_agent::{
    Agent, StartedRun,
    thread::{item, to_message},
};
use chatkit_domain::{Clock, ConversationId, ItemId, Message, Run, RunEvent, RunId, RunStatus};

use chatkit_protocol::{
    ItemKind, NoticeLevel, OutputText, StreamOptions, ThreadItemUpdate, ThreadStreamEvent,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{Stream, StreamExt, stream};
use poem::Response;

use super::{
    texts, threads,
    workflow::{Steps, Thoughts},
};
use crate::{sse, state::ApiState};

/// What a client may do with a stream.
pub(super) fn options(state: &ApiState) -> ThreadStreamEvent {
    ThreadStreamEvent::StreamOptions {
        stream_options: StreamOptions {
            allow_cancel: state.options().chatkit_allow_cancel,
        },
    }
}

/// A stream, which says its encoding as the reference does.
fn response(texts: impl Stream<Item = String> + Send + 'static) -> Response {
    sse::response(texts).set_content_type("text/event-stream; charset=utf-8")
}

/// A stream of a turn that does not begin.
pub(super) fn refusal(message: &str) -> Response {
    let event = ThreadStreamEvent::Error {
        code: "custom".to_owned(),
        message: Some(message.to_owned()),
        allow_retry: true,
    };
    let text = frame(&event);
    response(stream::once(async move { text }))
}

/// The answer of a turn that has begun. Who drops it has left.
pub(super) struct Answer {
    started: StartedRun,
    clock: Arc<dyn Clock>,
    stop: StopOnDrop,
    /// The answer that is being written, where its begin was not told.
    writes: Option<ItemId>,
    /// Answers that were told whole, as they were.
    said: HashMap<ItemId, Message>,
    /// An answer whose replacement has been told, and is told to other dialects next.
    replaced: Option<ItemId>,
    /// The tools that it uses.
    steps: Steps,
    /// What the model thinks.
    thoughts: Thoughts,
    /// Whether the client knows that the turn has failed.
    has_failed: bool,
    /// The locale of the client.
    locale: Option<String>,
}

impl Answer {
    pub(super) fn new(state: &ApiState, started: StartedRun, locale: Option<&str>) -> Self {
        let may_stop = state.options().chatkit_allow_cancel;
        Self {
            stop: StopOnDrop {
                agent: state.agent().clone(),
                run: Some(started.run.id),
                may_stop,
            },
            clock: state.clock().clone(),
            steps: Steps::new(started.run.conversation_id),
            thoughts: Thoughts::default(),
            started,
            writes: None,
            said: HashMap::new(),
            replaced: None,
            has_failed: false,
            locale: locale.map(str::to_owned),
        }
    }

    pub(super) fn run(&self) -> &Run {
        &self.started.run
    }

    pub(super) fn thread(&self) -> ConversationId {
        self.started.run.conversation_id
    }

    /// What the user said.
    pub(super) fn said(&self) -> ThreadStreamEvent {
        ThreadStreamEvent::ItemDone {
            item: to_message(self.started.user_message.clone()),
        }
    }

    /// The stream of it, behind what is told before it begins.
    pub(super) fn response(self, opening: &[ThreadStreamEvent]) -> Response {
        let opening: String = opening.iter().map(frame).collect();
        response(stream::once(async move { opening }).chain(texts(self)))
    }
}

/// Stops a run whose client has left, which is how ChatKit's clients say so.
struct StopOnDrop {
    agent: Agent,
    /// The run, as long as it may have to be stopped.
    run: Option<RunId>,
    /// Whether the client was told that it may.
    may_stop: bool,
}

impl StopOnDrop {
    /// The run has ended, or goes on elsewhere.
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

fn texts(turn: Answer) -> impl Stream<Item = String> + Send {
    stream::unfold(Some(turn), |turn| async move {
        let mut turn = turn?;
        let silent_until = tokio::time::Instant::now() + sse::HEARTBEAT;
        loop {
            let next = tokio::time::timeout_at(silent_until, turn.started.next_events());
            let Ok(events) = next.await else {
                return Some((sse::COMMENT.to_owned(), Some(turn)));
            };
            let Some(events) = events else {
                // Its end is not known here.
                turn.stop.disarm();
                return Some((frame(&failure()), None));
            };
            let mut told = Vec::new();
            let mut has_ended = false;
            for numbered in events {
                has_ended |= matches!(numbered.event, RunEvent::Ended(_));
                turn.tell(numbered.event, &mut told);
            }
            let text: String = told.iter().map(frame).collect();
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

impl Answer {
    /// What an event of the run is in the thread.
    fn tell(&mut self, event: RunEvent, told: &mut Vec<ThreadStreamEvent>) {
        match event {
            RunEvent::MessageDelta {
                message_id,
                part,
                text,
            } => {
                if part.is_none() && self.writes.replace(message_id).is_none() {
                    told.extend(self.steps.end());
                    told.extend(self.begin_answer(message_id));
                }
                let delta = ThreadItemUpdate::TextDelta {
                    content_index: part.unwrap_or_default().into(),
                    delta: text,
                };
                told.push(update(message_id, delta));
            }
            RunEvent::ReasoningDelta { item_id, text, .. } => {
                if !self.thoughts.are(item_id) {
                    told.extend(self.steps.end());
                }
                let begun_at = self.now();
                let thread = self.thread();
                let begin = |kind| item(item_id, thread, begun_at, kind);
                self.thoughts.tell(item_id, &text, begin, told);
            }
            RunEvent::ChatKit(json) => self.tell_chatkit(&json, told),
            RunEvent::ItemRemoved { item_id } => {
                self.said.remove(&item_id);
                told.push(removed(item_id));
            }
            RunEvent::ToolCallStarted(call) | RunEvent::ToolCallCompleted(call) => {
                let answer = self.started.run.assistant_message_id;
                told.extend(answer.map(|answer| self.steps.tell(answer, &call)));
            }
            RunEvent::MessageCompleted(message) if self.is_told(&message) => {
                told.extend(self.steps.settle(&message));
            }
            RunEvent::MessageCompleted(message) => self.complete(*message, told),
            RunEvent::Ended(run) => self.end(&run, told),
            RunEvent::Started(_) | RunEvent::MessageCreated(_) => {}
        }
    }

    /// Tells an answer that is kept.
    fn complete(&mut self, message: Message, told: &mut Vec<ThreadStreamEvent>) {
        told.extend(self.steps.settle(&message));
        if self
            .writes
            .take_if(|writes| *writes == message.id)
            .is_some()
        {
            let done = ThreadItemUpdate::ContentPartDone {
                content_index: 0,
                content: OutputText::new(message.content.clone()),
            };
            told.push(update(message.id, done));
        }
        let notice = texts::cut_short(message.incomplete_reason, self.locale.as_deref());
        told.push(ThreadStreamEvent::ItemDone {
            item: to_message(message),
        });
        told.extend(notice.map(|text| ThreadStreamEvent::Notice {
            level: NoticeLevel::Warning,
            message: text.to_owned(),
            title: None,
        }));
    }

    /// Tells that nothing more comes.
    fn end(&mut self, run: &Run, told: &mut Vec<ThreadStreamEvent>) {
        // What was written of an answer that is not kept.
        told.extend(self.thoughts.end().map(removed));
        told.extend(self.steps.remove());
        told.extend(self.writes.take().map(removed));
        if run.assistant_message_id.is_none() {
            // What it said makes room for what stood there before.
            let own = self
                .said
                .values()
                .filter(|said| said.run_id == Some(run.id));
            told.extend(own.map(|said| removed(said.id)));
        }
        let has_failed = run.status == RunStatus::Failed && !self.has_failed;
        told.extend(has_failed.then(failure));
    }

    /// Whether the client knows this answer as it is: the end tells an answer again that was kept
    /// before.
    fn is_told(&mut self, message: &Message) -> bool {
        let is_replaced = self.replaced.take() == Some(message.id);
        let before = self.said.insert(message.id, message.clone());
        let is_same = |before: Message| {
            before.content == message.content && before.details == message.details
        };
        is_replaced || before.is_some_and(is_same)
    }

    /// Tells what is in ChatKit's words already.
    fn tell_chatkit(&mut self, json: &str, told: &mut Vec<ThreadStreamEvent>) {
        let event = match serde_json::from_str(json) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "an event that is none of ChatKit's");
                return;
            }
        };
        match &event {
            ThreadStreamEvent::StreamOptions { stream_options } => {
                self.stop.may_stop = stream_options.allow_cancel;
            }
            ThreadStreamEvent::Error { .. } => self.has_failed = true,
            ThreadStreamEvent::ItemReplaced { item } => {
                self.replaced = threads::item_id(&item.id).ok();
            }
            ThreadStreamEvent::ItemDone { item }
                if threads::item_id(&item.id).is_ok_and(|id| self.thoughts.are(id)) =>
            {
                self.thoughts.end();
            }
            _ => {}
        }
        told.push(event);
    }

    /// The time now, behind what the user said also where clocks differ.
    fn now(&self) -> DateTime<Utc> {
        let earliest = self.started.user_message.created_at + TimeDelta::milliseconds(1);
        self.clock.now().max(earliest)
    }

    fn begin_answer(&self, id: ItemId) -> [ThreadStreamEvent; 2] {
        let content = Vec::new();
        let kind = ItemKind::AssistantMessage { content };
        let item = item(id, self.thread(), self.now(), kind);
        let part = ThreadItemUpdate::ContentPartAdded {
            content_index: 0,
            content: OutputText::default(),
        };
        [ThreadStreamEvent::ItemAdded { item }, update(id, part)]
    }
}

fn update(id: ItemId, update: ThreadItemUpdate) -> ThreadStreamEvent {
    ThreadStreamEvent::ItemUpdated {
        item_id: id.to_string(),
        update,
    }
}

fn removed(id: ItemId) -> ThreadStreamEvent {
    let item_id = id.to_string();
    ThreadStreamEvent::ItemRemoved { item_id }
}

/// The turn has failed, for which clients have words of their own.
fn failure() -> ThreadStreamEvent {
    ThreadStreamEvent::Error {
        code: "stream.error".to_owned(),
        message: None,
        allow_retry: true,
    }
}

/// An event as it is sent.
fn frame(event: &ThreadStreamEvent) -> String {
    // What is told here is written without fail: its keys are strings.
    let json = serde_json::to_string(event).unwrap_or_default();
    format!("data: {json}\n\n")
}
