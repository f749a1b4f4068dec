//! Rebuilds events from their stored form and the rows to which they refer.

use std::{borrow::Cow, collections::HashMap};

use chatkit_domain::{
    Conversation, Item, ItemEvent, ItemId, ItemState, Message, MessageEvent, Run, RunEvent,
    ToolCall, ToolCallEvent,
};
use uuid::Uuid;

use super::run_event::StoredEvent;

/// The rows to which the events of a run refer.
pub(super) struct EventContext {
    pub(super) run: Run,
    pub(super) user_message: Option<Message>,
    /// Items that were stored before the run's end.
    pub(super) items: HashMap<Uuid, Item>,
    pub(super) conversation: Option<Conversation>,
}

impl EventContext {
    /// Rebuilds an event. Returns `None` if a row to which it refers no longer exists.
    pub(super) fn event(&self, event: StoredEvent<'_>, message_id: ItemId) -> Option<RunEvent> {
        Some(match event {
            StoredEvent::Started => {
                let assistant_message_id = Some(message_id);
                RunEvent::Started(Box::new(Run {
                    assistant_message_id,
                    ..self.run.as_started()
                }))
            }
            StoredEvent::Message => {
                let message = Box::new(self.user_message.clone()?);
                RunEvent::Message(MessageEvent::Created(message))
            }
            StoredEvent::Text(text) => text_event(message_id, None, text),
            StoredEvent::Part(id, part, text) => text_event(ItemId::new(id), Some(part), text),
            StoredEvent::Reasoning(id, text) => reasoning(message_id, id, text, false),
            StoredEvent::NextReasoning(id, text) => reasoning(message_id, id, text, true),
            StoredEvent::Call(id) => {
                let call = Box::new(self.call(id)?.as_started());
                RunEvent::ToolCall(ToolCallEvent::Started(call))
            }
            StoredEvent::Result(id) => {
                let call = Box::new(self.call(id)?.without_message());
                RunEvent::ToolCall(ToolCallEvent::Completed(call))
            }
            StoredEvent::Said(id) => RunEvent::Message(MessageEvent::Completed(self.message(id)?)),
            StoredEvent::SaidAgain(id) => {
                RunEvent::Message(MessageEvent::Replaced(self.message(id)?))
            }
            StoredEvent::Removed(id) => RunEvent::Message(MessageEvent::Removed(ItemId::new(id))),
            StoredEvent::Conversation => {
                RunEvent::Conversation(Box::new(self.conversation.clone()?))
            }
            StoredEvent::Aside(event) => RunEvent::Aside(event.into_owned().try_into().ok()?),
            event => RunEvent::Item(self.item_event(event)?),
        })
    }

    fn item_event(&self, event: StoredEvent<'_>) -> Option<ItemEvent> {
        Some(match event {
            StoredEvent::Added(item) => ItemEvent::Added(Box::new(item.into_owned().into())),
            StoredEvent::Updated(id, update) => ItemEvent::Updated {
                item: ItemId::new(id),
                update: Box::new(update.into_owned()),
            },
            StoredEvent::Done(id) => ItemEvent::Done(self.display_item(id)?),
            StoredEvent::Replaced(id) => ItemEvent::Replaced(self.display_item(id)?),
            StoredEvent::ItemRemoved(id) => ItemEvent::Removed(ItemId::new(id)),
            _ => return None,
        })
    }

    fn call(&self, id: Uuid) -> Option<&ToolCall> {
        self.run.tool_calls.iter().find(|call| call.id.uuid() == id)
    }

    fn message(&self, id: Uuid) -> Option<Box<Message>> {
        match self.items.get(&id)? {
            Item::Message(message) => Some(Box::new(message.clone())),
            _ => None,
        }
    }

    fn display_item(&self, id: Uuid) -> Option<Box<ItemState>> {
        match self.items.get(&id)? {
            Item::Display(item) => Some(Box::new(item.clone().into())),
            _ => None,
        }
    }
}

fn text_event(item: ItemId, part: Option<u32>, text: Cow<'_, str>) -> RunEvent {
    RunEvent::Text {
        item,
        part,
        delta: text.into_owned(),
    }
}

fn reasoning(message: ItemId, item: Uuid, text: Cow<'_, str>, starts_another: bool) -> RunEvent {
    RunEvent::Reasoning {
        message,
        item: ItemId::new(item),
        delta: text.into_owned(),
        starts_another,
    }
}
