//! Converts conversations and their items to threads of the ChatKit protocol.

use chatkit_domain::{Conversation, ConversationId, Item, ItemId, Message, MessageDetails, Role};
use chatkit_protocol::{
    ItemKind, OutputText, Page, Thread, ThreadItem, ThreadStatus, UserMessageContent,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Map;

/// Converts a conversation to a thread without items and metadata.
#[must_use]
pub fn to_thread(conversation: &Conversation) -> Thread {
    let Conversation {
        id,
        user_id: _,
        title,
        title_is_default,
        created_at,
        updated_at: _,
        message_count: _,
        status,
        image_domains,
        metadata: _,
    } = conversation;
    Thread {
        title: (!title_is_default).then(|| title.as_str().to_owned()),
        status: status.clone(),
        allowed_image_domains: image_domains.clone(),
        ..new_thread(*id, *created_at)
    }
}

/// Creates a thread without a title and without items.
#[must_use]
pub fn new_thread(id: ConversationId, created_at: DateTime<Utc>) -> Thread {
    Thread {
        id: id.to_string(),
        title: None,
        created_at: time(created_at),
        status: ThreadStatus::Active,
        allowed_image_domains: None,
        metadata: Map::new(),
        items: Page::default(),
    }
}

/// Converts a stored item to an item of a thread. Returns `None` for items that clients must not
/// see or that this version cannot read.
#[must_use]
pub fn to_item(stored: Item) -> Option<ThreadItem> {
    match stored {
        Item::Message(message) => Some(to_message(message)),
        Item::HiddenContext(_) | Item::Unreadable(_) => None,
        Item::Display(display) => Some(item(
            display.id,
            display.conversation_id,
            display.created_at,
            display.kind,
        )),
    }
}

/// Converts a message to an item of a thread. A message of another dialect has a single part.
#[must_use]
pub fn to_message(message: Message) -> ThreadItem {
    let details = message.details.map(|details| *details);
    let kind = match (message.role, details) {
        (
            Role::User,
            Some(MessageDetails::User {
                content,
                quoted_text,
                inference_options,
            }),
        ) => ItemKind::UserMessage {
            content,
            attachments: Vec::new(),
            quoted_text,
            inference_options,
        },
        (Role::User, _) => ItemKind::UserMessage {
            content: vec![UserMessageContent::InputText {
                text: message.content,
            }],
            attachments: Vec::new(),
            quoted_text: None,
            inference_options: Default::default(),
        },
        (Role::Assistant, Some(MessageDetails::Assistant { content })) => {
            ItemKind::AssistantMessage { content }
        }
        (Role::Assistant, _) => ItemKind::AssistantMessage {
            content: vec![OutputText::new(message.content)],
        },
    };
    item(
        message.id,
        message.conversation_id,
        message.created_at,
        kind,
    )
}

/// Creates an item of a thread.
#[must_use]
pub fn item(
    id: ItemId,
    thread: ConversationId,
    created_at: DateTime<Utc>,
    kind: ItemKind,
) -> ThreadItem {
    ThreadItem {
        id: id.to_string(),
        thread_id: thread.to_string(),
        created_at: time(created_at),
        kind,
    }
}

/// Formats a time for the protocol, in UTC.
#[must_use]
pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
