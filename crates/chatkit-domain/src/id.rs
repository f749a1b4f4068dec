//! Identifiers: UUIDv7 (RFC 9562), typed by the kind of resource.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use uuid::Uuid;

use crate::InvalidValue;

/// An id of the kind `K`. Ids of different kinds cannot be mixed up.
pub struct Id<K> {
    value: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// The kinds of ids. They have no values.
mod kinds {
    #[derive(Clone, Copy, Debug)]
    pub enum Conversation {}
    #[derive(Clone, Copy, Debug)]
    pub enum Item {}
    #[derive(Clone, Copy, Debug)]
    pub enum Run {}
    #[derive(Clone, Copy, Debug)]
    pub enum ToolCall {}
}

/// The id of a conversation.
pub type ConversationId = Id<kinds::Conversation>;
/// The id of an item of a conversation's log. Messages are items.
pub type ItemId = Id<kinds::Item>;
/// The id of a run.
pub type RunId = Id<kinds::Run>;
/// The id of a tool call.
pub type ToolCallId = Id<kinds::ToolCall>;

impl<K> Id<K> {
    /// The id with this value.
    #[must_use]
    pub const fn new(value: Uuid) -> Self {
        Self {
            value,
            kind: PhantomData,
        }
    }

    /// The bare UUID, for storage.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.value
    }
}

impl<K> FromStr for Id<K> {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Uuid::try_parse(text)
            .map(Self::new)
            .map_err(|_| InvalidValue::new("must be a UUID"))
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, formatter)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, formatter)
    }
}
