//! The content of items as it is stored.

use chatkit_protocol::OutputText;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    DisplayItem, HiddenContext, IncompleteReason, Item, ItemContent, MAX_ITEM_BYTES, Message,
    MessageDetails, MessageStatus, RepositoryError, Role, replace_escaped_nul, replace_nul,
};

/// The content with U+FFFD in place of U+0000.
pub(super) fn stored_content(content: ItemContent) -> ItemContent {
    match content {
        ItemContent::Answer {
            parts,
            incomplete_reason,
        } => ItemContent::Answer {
            parts: without_nul(parts),
            incomplete_reason,
        },
        ItemContent::HiddenContext(note) => ItemContent::HiddenContext(replace_nul(note)),
        ItemContent::Display(kind) => ItemContent::Display(without_nul(kind)),
    }
}

/// Checks that the content has at most [`MAX_ITEM_BYTES`]: those of the text, and those of the JSON
/// if there is more than a text.
pub(super) fn check_size(content: &ItemContent) -> Result<(), RepositoryError> {
    let bytes = match content {
        ItemContent::Answer { parts, .. } if is_plain(parts) => text_of(parts).len(),
        ItemContent::Answer { parts, .. } => json(parts).len(),
        ItemContent::HiddenContext(note) => note.len(),
        ItemContent::Display(kind) => json(kind).len(),
    };
    if bytes > MAX_ITEM_BYTES {
        return Err(RepositoryError::TooLarge);
    }
    Ok(())
}

/// Whether the message is just a text.
fn is_plain(parts: &[OutputText]) -> bool {
    matches!(parts, [part] if part.annotations.is_empty())
}

fn text_of(parts: &[OutputText]) -> String {
    parts.iter().map(|part| part.text.as_str()).collect()
}

/// An item with this content. The rest is that of the blank message.
pub(super) fn new_item(blank: Message, content: ItemContent) -> Item {
    match content {
        ItemContent::Answer {
            parts,
            incomplete_reason,
        } => Item::Message(with_parts(blank, parts, incomplete_reason)),
        ItemContent::HiddenContext(content) => Item::HiddenContext(HiddenContext {
            id: blank.id,
            conversation_id: blank.conversation_id,
            sequence_number: blank.sequence_number,
            content,
            run_id: blank.run_id,
            created_at: blank.created_at,
        }),
        ItemContent::Display(kind) => Item::Display(DisplayItem {
            id: blank.id,
            conversation_id: blank.conversation_id,
            sequence_number: blank.sequence_number,
            kind,
            run_id: blank.run_id,
            created_at: blank.created_at,
        }),
    }
}

/// Replaces the content of an item.
///
/// # Errors
/// `WrongMessage` if the item is of another kind, or the user's message.
pub(super) fn replace_content(
    item: &mut Item,
    content: ItemContent,
) -> Result<(), RepositoryError> {
    match (item, content) {
        (
            Item::Message(message),
            ItemContent::Answer {
                parts,
                incomplete_reason,
            },
        ) if message.role == Role::Assistant => {
            *message = with_parts(message.clone(), parts, incomplete_reason);
        }
        (Item::HiddenContext(note), ItemContent::HiddenContext(content)) => note.content = content,
        (Item::Display(item), ItemContent::Display(kind))
            if item.kind.type_name() == kind.type_name() =>
        {
            item.kind = kind;
        }
        _ => return Err(RepositoryError::WrongMessage),
    }
    Ok(())
}

/// The message with these parts. One part without annotations is just a text.
fn with_parts(
    message: Message,
    parts: Vec<OutputText>,
    incomplete_reason: Option<IncompleteReason>,
) -> Message {
    let (content, is_plain) = (text_of(&parts), is_plain(&parts));
    let details = MessageDetails::Assistant { content: parts };
    Message {
        content,
        details: (!is_plain).then(|| Box::new(details)),
        status: status_of(incomplete_reason),
        incomplete_reason,
        ..message
    }
}

/// The status of an answer.
pub(super) const fn status_of(incomplete_reason: Option<IncompleteReason>) -> MessageStatus {
    match incomplete_reason {
        Some(_) => MessageStatus::Incomplete,
        None => MessageStatus::Completed,
    }
}

/// The value with U+FFFD in place of U+0000 in its strings.
fn without_nul<T: Serialize + DeserializeOwned>(value: T) -> T {
    let text = replace_escaped_nul(json(&value));
    serde_json::from_str(&text).unwrap_or(value)
}

/// The value as JSON. Items serialize without fail, because their keys are strings.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
