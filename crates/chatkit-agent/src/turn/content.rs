//! Converts items and changes to the content that is stored.

use chatkit_domain::{
    ConversationChanges, ConversationStatus, IncompleteReason, ItemContent, ItemState, ItemWrite,
    replace_nul, replace_nul_in_json,
};
use chatkit_protocol::ItemKind;
use serde_json::{Map, Value};

/// Returns the content to store for an unfinished answer. Returns `None` if it has no text.
pub(super) fn partial_answer(item: &ItemState, reason: IncompleteReason) -> Option<ItemWrite> {
    let ItemKind::AssistantMessage { content } = &item.kind else {
        return None;
    };
    let has_text = content.iter().any(|part| !part.text.trim().is_empty());
    has_text.then(|| ItemWrite {
        id: item.id,
        content: ItemContent::Answer {
            parts: content.clone(),
            incomplete_reason: Some(reason),
        },
    })
}

/// Returns the content to store for an item. Returns `None` for a user message, which only the
/// start of a run stores.
pub(super) fn content_of(kind: ItemKind) -> Option<ItemContent> {
    Some(match kind {
        ItemKind::UserMessage { .. } => return None,
        ItemKind::AssistantMessage { content } => ItemContent::Answer {
            parts: content,
            incomplete_reason: None,
        },
        ItemKind::HiddenContextItem { content } => ItemContent::HiddenContext(match content {
            Value::String(note) => note,
            content => content.to_string(),
        }),
        ItemKind::SdkHiddenContext { content } => ItemContent::HiddenContext(content),
        kind => ItemContent::Display(kind),
    })
}

/// Replaces U+0000 in the changes with U+FFFD, because PostgreSQL cannot store it.
pub(super) fn without_nul(changes: ConversationChanges) -> ConversationChanges {
    let ConversationChanges {
        title,
        status,
        image_domains,
        metadata,
    } = changes;
    let without_nul = |reason: Option<String>| reason.map(replace_nul);
    ConversationChanges {
        title,
        status: status.map(|status| match status {
            ConversationStatus::Active => ConversationStatus::Active,
            ConversationStatus::Locked { reason } => ConversationStatus::Locked {
                reason: without_nul(reason),
            },
            ConversationStatus::Closed { reason } => ConversationStatus::Closed {
                reason: without_nul(reason),
            },
        }),
        image_domains: image_domains
            .map(|domains| domains.map(|list| list.into_iter().map(replace_nul).collect())),
        metadata: metadata.map(|metadata| match replace_nul_in_json(metadata.into()) {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        }),
    }
}
