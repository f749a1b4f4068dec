//! The entries of a conversation's log.

use chatkit_protocol::{ItemKind, OutputText};
use chrono::{DateTime, Utc};

use crate::{ConversationId, IncompleteReason, ItemId, Message, RunId};

/// One entry of a conversation's log, in order of its `sequence_number`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A message of the user or the assistant.
    Message(Message),
    /// A note for the model that no client sees.
    HiddenContext(HiddenContext),
    /// An item that clients show between the messages.
    Display(DisplayItem),
    /// An item that this version cannot read, because only a newer version writes it.
    Unreadable(UnreadableItem),
}

impl Item {
    /// The item's id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        match self {
            Self::Message(message) => message.id,
            Self::HiddenContext(note) => note.id,
            Self::Display(item) => item.id,
            Self::Unreadable(item) => item.id,
        }
    }

    /// The item's position in the log.
    #[must_use]
    pub const fn sequence_number(&self) -> u64 {
        match self {
            Self::Message(message) => message.sequence_number,
            Self::HiddenContext(note) => note.sequence_number,
            Self::Display(item) => item.sequence_number,
            Self::Unreadable(item) => item.sequence_number,
        }
    }
}

/// A note for the model that no client sees, such as "the user stopped this answer".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenContext {
    /// The note's id.
    pub id: ItemId,
    /// The conversation that contains the note.
    pub conversation_id: ConversationId,
    /// The position in the log.
    pub sequence_number: u64,
    /// The text.
    pub content: String,
    /// The run that wrote the note.
    pub run_id: Option<RunId>,
    /// The time at which the note was stored.
    pub created_at: DateTime<Utc>,
}

/// An item that clients show between the messages, such as a widget. REST shows none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplayItem {
    /// The item's id.
    pub id: ItemId,
    /// The conversation that contains the item.
    pub conversation_id: ConversationId,
    /// The position in the log.
    pub sequence_number: u64,
    /// The content.
    pub kind: ItemKind,
    /// The run that wrote the item.
    pub run_id: Option<RunId>,
    /// The time at which the item was stored.
    pub created_at: DateTime<Utc>,
}

/// An item whose content this version cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableItem {
    /// The item's id.
    pub id: ItemId,
    /// The position in the log.
    pub sequence_number: u64,
}

/// An item to store: a new one, or new content for an item of the run's conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemWrite {
    /// The item's id.
    pub id: ItemId,
    /// The content.
    pub content: ItemContent,
}

/// The content of an item that a run writes.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemContent {
    /// A message of the assistant.
    Answer {
        /// The parts, in order. Their texts form the message's text.
        parts: Vec<OutputText>,
        /// The reason why the message is incomplete; `None` for a complete message.
        incomplete_reason: Option<IncompleteReason>,
    },
    /// A note for the model that no client sees.
    HiddenContext(String),
    /// An item that clients show between the messages. Neither a message nor a note.
    Display(ItemKind),
}

/// The most bytes of an item's content, as JSON if it is a display item. An item may contain a
/// picture as a `data:` URL.
pub const MAX_ITEM_BYTES: usize = 4 * 1024 * 1024;
