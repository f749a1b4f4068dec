//! The entries of a conversation's log.

use chrono::{DateTime, Utc};

use crate::{ConversationId, ItemId, Message, RunId};

/// One entry of a conversation's log, in order of its `sequence_number`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What the user or the assistant said.
    Message(Message),
    /// A note for the model that no client sees.
    HiddenContext(HiddenContext),
}

impl Item {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        match self {
            Self::Message(message) => message.id,
            Self::HiddenContext(note) => note.id,
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
