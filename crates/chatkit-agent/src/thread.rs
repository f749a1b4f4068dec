//! Conversations and their items, as the ChatKit protocol writes them.

use chatkit_domain::{
    Conversation, ConversationId, ConversationStatus, IncompleteReason, Item, ItemContent, ItemId,
    Message, MessageDetails, Role, ShownItem, ShownKind,
};
use chatkit_protocol::{
    InferenceOptions, ItemKind, OutputText, Page, Thread, ThreadItem, ThreadStatus,
    UserMessageContent,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// A conversation, without its items and what is kept with it for the server alone.
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
    let status = match status.clone() {
        ConversationStatus::Active => ThreadStatus::Active,
        ConversationStatus::Locked { reason } => ThreadStatus::Locked { reason },
        ConversationStatus::Closed { reason } => ThreadStatus::Closed { reason },
    };
    Thread {
        title: (!title_is_default).then(|| title.as_str().to_owned()),
        status,
        allowed_image_domains: image_domains.clone(),
        ..new_thread(*id, *created_at)
    }
}

/// A thread that nothing is known of yet.
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

/// An item of the log; `None` of what clients must not see.
#[must_use]
pub fn to_item(kept: Item) -> Option<ThreadItem> {
    match kept {
        Item::Message(message) => Some(to_message(message)),
        Item::HiddenContext(_) => None,
        Item::Shown(shown) => {
            let kind = kind_of(&shown)?;
            Some(item(
                shown.id,
                shown.conversation_id,
                shown.created_at,
                kind,
            ))
        }
    }
}

/// What a shown item is; `None` of what only a newer version writes.
pub(crate) fn kind_of(shown: &ShownItem) -> Option<ItemKind> {
    serde_json::from_str(&shown.body)
        .inspect_err(|error| tracing::error!(item_id = %shown.id, %error, "an unreadable item"))
        .ok()
}

/// A message as an item; one that came by another dialect is one text.
#[must_use]
pub fn to_message(message: Message) -> ThreadItem {
    let details = message.details.as_deref();
    let kind = match message.role {
        Role::Assistant => {
            let parts = details.and_then(|details| serde_json::from_str(&details.parts).ok());
            ItemKind::AssistantMessage {
                content: parts.unwrap_or_else(|| vec![OutputText::new(message.content)]),
            }
        }
        Role::User => {
            let parts = details.and_then(|details| serde_json::from_str(&details.parts).ok());
            let text = || {
                let text = message.content;
                vec![UserMessageContent::InputText { text }]
            };
            ItemKind::UserMessage {
                attachments: Vec::new(),
                quoted_text: details.and_then(|details| details.quoted_text.clone()),
                inference_options: options_of(details),
                content: parts.unwrap_or_else(text),
            }
        }
    };
    item(
        message.id,
        message.conversation_id,
        message.created_at,
        kind,
    )
}

/// How a message was to be answered.
#[must_use]
pub fn options_of(details: Option<&MessageDetails>) -> InferenceOptions {
    details
        .and_then(|details| serde_json::from_str(&details.options).ok())
        .unwrap_or_default()
}

/// An item of a thread.
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

/// A time as the protocol writes it, in UTC.
#[must_use]
pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What is kept of an item; `None` of what a user says, which is kept when it comes.
pub(crate) fn content_of(
    kind: &ItemKind,
    incomplete_reason: Option<IncompleteReason>,
) -> Option<ItemContent> {
    let shown = |shown| {
        let body = serde_json::to_string(kind).ok()?;
        Some(ItemContent::Shown(shown, body))
    };
    match kind {
        ItemKind::UserMessage { .. } => None,
        ItemKind::AssistantMessage { content } => {
            let is_plain = matches!(&content[..], [part] if part.annotations.is_empty());
            let parts = serde_json::to_string(content).ok()?;
            Some(ItemContent::Answer {
                text: content.iter().map(|part| part.text.as_str()).collect(),
                parts: (!is_plain).then_some(parts),
                incomplete_reason,
            })
        }
        ItemKind::HiddenContextItem { content } => {
            Some(ItemContent::HiddenContext(match content {
                Value::String(note) => note.clone(),
                content => content.to_string(),
            }))
        }
        ItemKind::SdkHiddenContext { content } => Some(ItemContent::HiddenContext(content.clone())),
        ItemKind::ClientToolCall { .. } => shown(ShownKind::ClientToolCall),
        ItemKind::Widget { .. } => shown(ShownKind::Widget),
        ItemKind::GeneratedImage { .. } => shown(ShownKind::GeneratedImage),
        ItemKind::StructuredInput { .. } => shown(ShownKind::StructuredInput),
        ItemKind::Workflow { .. } => shown(ShownKind::Workflow),
        ItemKind::Task { .. } => shown(ShownKind::Task),
        ItemKind::EndOfTurn {} => shown(ShownKind::EndOfTurn),
    }
}
