//! The events of a run as ChatKit clients read them.

use std::sync::Arc;

use chatkit_agent::{
    StartedRun,
    thread::{item, to_message, to_thread},
};
use chatkit_domain::{
    Aside, Clock, ConversationId, ItemEvent, ItemId, ItemState, Message, MessageEvent, Run,
    RunEvent, RunId, RunStatus, ToolCall, ToolCallEvent,
};
use chatkit_protocol::{
    ItemKind, NoticeLevel, OutputText, ThreadItem, ThreadItemUpdate, ThreadStreamEvent,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    texts,
    workflow::{Steps, Thoughts},
};

/// Projects the events of one run. It remembers what is open at the client: the protocol announces
/// each item before its text, and wants thoughts and steps as a whole.
pub(super) struct Projection {
    run: RunId,
    thread: ConversationId,
    /// The id that the agent's answer will have.
    answer: Option<ItemId>,
    /// The time of the user's message.
    asked_at: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    /// The agent's answer, while it is written.
    open_answer: Option<ItemId>,
    /// The messages that the run has written.
    messages: Vec<Message>,
    /// The tool calls of the run, shown as steps.
    steps: Steps,
    /// The reasoning, while it is written.
    thoughts: Thoughts,
    /// Whether the client knows that the turn has failed.
    has_failed: bool,
    /// The locale of the client.
    locale: Option<String>,
}

impl Projection {
    pub(super) fn new(started: &StartedRun, clock: Arc<dyn Clock>, locale: Option<&str>) -> Self {
        let thread = started.run.conversation_id;
        Self {
            run: started.run.id,
            thread,
            answer: started.run.assistant_message_id,
            asked_at: started.user_message.created_at,
            clock,
            open_answer: None,
            messages: Vec::new(),
            steps: Steps::new(thread),
            thoughts: Thoughts::default(),
            has_failed: false,
            locale: locale.map(str::to_owned),
        }
    }

    /// Projects an event, and appends the result.
    pub(super) fn project(&mut self, event: &RunEvent, events: &mut Vec<ThreadStreamEvent>) {
        match event {
            RunEvent::Text { item, part, delta } => self.text(*item, *part, delta, events),
            RunEvent::Reasoning { item, delta, .. } => self.reasoning(*item, delta, events),
            RunEvent::Message(event) => self.message(event, events),
            RunEvent::ToolCall(ToolCallEvent::Started(call) | ToolCallEvent::Completed(call)) => {
                events.extend(self.tool_call(call));
            }
            RunEvent::Item(event) => events.push(self.item_event(event)),
            RunEvent::Conversation(conversation) => {
                let thread = to_thread(conversation);
                events.push(ThreadStreamEvent::ThreadUpdated { thread });
            }
            RunEvent::Aside(aside) => {
                self.has_failed |= matches!(aside, Aside::Error { .. });
                events.push(aside.clone().into());
            }
            RunEvent::Ended(run) => self.end(run, events),
            RunEvent::Started(_) => {}
        }
    }

    fn text(
        &mut self,
        message: ItemId,
        part: Option<u32>,
        delta: &str,
        events: &mut Vec<ThreadStreamEvent>,
    ) {
        if part.is_none() && self.open_answer.replace(message).is_none() {
            events.extend(self.steps.end());
            events.extend(self.start_answer(message));
        }
        let update = ThreadItemUpdate::TextDelta {
            content_index: part.unwrap_or_default().into(),
            delta: delta.to_owned(),
        };
        events.push(updated(message, update));
    }

    fn reasoning(&mut self, thought: ItemId, delta: &str, events: &mut Vec<ThreadStreamEvent>) {
        if !self.thoughts.is_open(thought) {
            events.extend(self.steps.end());
        }
        let (thread, started_at) = (self.thread, self.now());
        let start = |kind| item(thought, thread, started_at, kind);
        self.thoughts.add(thought, delta, start, events);
    }

    fn tool_call(&mut self, call: &ToolCall) -> Option<ThreadStreamEvent> {
        self.answer.map(|answer| self.steps.add(answer, call))
    }

    fn message(&mut self, event: &MessageEvent, events: &mut Vec<ThreadStreamEvent>) {
        match event {
            MessageEvent::Created(_) => {}
            MessageEvent::Completed(message) => match self.known(message.id) {
                None => self.complete(message, events),
                // The end of a run repeats its answer, to add the tool calls, or because followers
                // may have missed the last events.
                Some(known) => {
                    let is_same =
                        known.content == message.content && known.details == message.details;
                    events.extend(self.steps.settle(message));
                    if !is_same {
                        self.replace(message, events);
                    }
                }
            },
            MessageEvent::Replaced(message) => self.replace(message, events),
            MessageEvent::Removed(id) => {
                self.messages.retain(|message| message.id != *id);
                events.push(removed(*id));
            }
        }
    }

    fn known(&self, id: ItemId) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// Records that the client has this message of the run.
    fn remember(&mut self, message: &Message) {
        if message.run_id == Some(self.run) {
            self.messages.retain(|known| known.id != message.id);
            self.messages.push(message.clone());
        }
    }

    fn replace(&mut self, message: &Message, events: &mut Vec<ThreadStreamEvent>) {
        self.remember(message);
        events.push(ThreadStreamEvent::ItemReplaced {
            item: to_message(message.clone()),
        });
    }

    fn complete(&mut self, message: &Message, events: &mut Vec<ThreadStreamEvent>) {
        self.remember(message);
        events.extend(self.steps.settle(message));
        let is_open = |open: &mut ItemId| *open == message.id;
        if self.open_answer.take_if(is_open).is_some() {
            let done = ThreadItemUpdate::ContentPartDone {
                content_index: 0,
                content: OutputText::new(message.content.clone()),
            };
            events.push(updated(message.id, done));
        }
        events.push(ThreadStreamEvent::ItemDone {
            item: to_message(message.clone()),
        });
        let notice = texts::cut_short(message.incomplete_reason, self.locale.as_deref());
        events.extend(notice.map(|text| ThreadStreamEvent::Notice {
            level: NoticeLevel::Warning,
            message: text.to_owned(),
            title: None,
        }));
    }

    fn item_event(&mut self, event: &ItemEvent) -> ThreadStreamEvent {
        match event {
            ItemEvent::Added(item) => ThreadStreamEvent::ItemAdded {
                item: self.to_item(item),
            },
            ItemEvent::Updated { item, update } => updated(*item, (**update).clone()),
            ItemEvent::Done(item) => {
                if self.thoughts.is_open(item.id) {
                    self.thoughts.end();
                }
                ThreadStreamEvent::ItemDone {
                    item: self.to_item(item),
                }
            }
            ItemEvent::Replaced(item) => ThreadStreamEvent::ItemReplaced {
                item: self.to_item(item),
            },
            ItemEvent::Removed(id) => {
                if self.thoughts.is_open(*id) {
                    self.thoughts.end();
                }
                removed(*id)
            }
        }
    }

    /// Closes everything that is open, because no more events follow.
    fn end(&mut self, run: &Run, events: &mut Vec<ThreadStreamEvent>) {
        events.extend(self.thoughts.end().map(removed));
        events.extend(self.steps.remove());
        events.extend(self.open_answer.take().map(removed));
        if run.assistant_message_id.is_none() {
            // The run's messages were removed, because older items were restored in their place.
            events.extend(self.messages.drain(..).map(|message| removed(message.id)));
        }
        let is_news = run.status == RunStatus::Failed && !self.has_failed;
        events.extend(is_news.then(failure));
    }

    fn start_answer(&self, id: ItemId) -> [ThreadStreamEvent; 2] {
        let content = Vec::new();
        let kind = ItemKind::AssistantMessage { content };
        let item = item(id, self.thread, self.now(), kind);
        let part = ThreadItemUpdate::ContentPartAdded {
            content_index: 0,
            content: OutputText::default(),
        };
        [ThreadStreamEvent::ItemAdded { item }, updated(id, part)]
    }

    fn to_item(&self, state: &ItemState) -> ThreadItem {
        item(state.id, self.thread, state.created_at, state.kind.clone())
    }

    /// The time now, but after the user's message even if clocks differ.
    fn now(&self) -> DateTime<Utc> {
        let earliest = self.asked_at + TimeDelta::milliseconds(1);
        self.clock.now().max(earliest)
    }
}

/// The turn failed. Clients word the message.
pub(super) fn failure() -> ThreadStreamEvent {
    ThreadStreamEvent::Error {
        code: "stream.error".to_owned(),
        message: None,
        allow_retry: true,
    }
}

fn updated(id: ItemId, update: ThreadItemUpdate) -> ThreadStreamEvent {
    ThreadStreamEvent::ItemUpdated {
        item_id: id.to_string(),
        update,
    }
}

fn removed(id: ItemId) -> ThreadStreamEvent {
    let item_id = id.to_string();
    ThreadStreamEvent::ItemRemoved { item_id }
}
