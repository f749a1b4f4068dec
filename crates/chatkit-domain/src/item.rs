//! The entries of a conversation's log.

use chrono::{DateTime, Utc};

use crate::{ConversationId, IncompleteReason, ItemId, Message, RunId};

/// One entry of a conversation's log, in order of its `sequence_number`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What the user or the assistant said.
    Message(Message),
    /// A note for the model that no client sees.
    HiddenContext(HiddenContext),
    /// What is shown beside the messages.
    Shown(ShownItem),
}

impl Item {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        match self {
            Self::Message(message) => message.id,
            Self::HiddenContext(note) => note.id,
            Self::Shown(item) => item.id,
        }
    }

    /// Its place in the log.
    #[must_use]
    pub const fn sequence_number(&self) -> u64 {
        match self {
            Self::Message(message) => message.sequence_number,
            Self::HiddenContext(note) => note.sequence_number,
            Self::Shown(item) => item.sequence_number,
        }
    }
}

/// A note for the model that no client sees, such as "the user stopped this answer".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenContext {
    /// Its id.
    pub id: ItemId,
    /// The conversation it stands in.
    pub conversation_id: ConversationId,
    /// Its place in the log.
    pub sequence_number: u64,
    /// The note.
    pub content: String,
    /// The run that left it.
    pub run_id: Option<RunId>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// What is shown beside the messages, to clients that can: REST has none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownItem {
    /// Its id.
    pub id: ItemId,
    /// The conversation it stands in.
    pub conversation_id: ConversationId,
    /// Its place in the log.
    pub sequence_number: u64,
    /// What it is.
    pub kind: ShownKind,
    /// All of it, as the JSON in which its dialect wrote it.
    pub body: String,
    /// The run that left it.
    pub run_id: Option<RunId>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// What a [`ShownItem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownKind {
    /// A tree of components.
    Widget,
    /// Steps that the assistant took.
    Workflow,
    /// A single step.
    Task,
    /// A call of a tool that the client has.
    ClientToolCall,
    /// Questions to the user.
    StructuredInput,
    /// A picture that was made.
    GeneratedImage,
    /// A sign that nothing more comes of a turn.
    EndOfTurn,
}

/// An item to keep: a new one, or another content of one that the run's conversation has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemDraft {
    /// Its id.
    pub id: ItemId,
    /// What it is.
    pub content: ItemContent,
}

/// What an item is that a run writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemContent {
    /// What the assistant says.
    Answer {
        /// The text.
        text: String,
        /// Its parts as JSON, where the text alone does not tell them.
        parts: Option<String>,
        /// Why it is incomplete; `None` for a complete answer.
        incomplete_reason: Option<IncompleteReason>,
    },
    /// A note for the model that no client sees.
    HiddenContext(String),
    /// What is shown beside the messages, as JSON.
    Shown(ShownKind, String),
}
