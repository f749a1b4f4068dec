//! The entries of a log.

use crate::{Item, Message, RunId};

/// An item of the log. Items are never erased from the log, because ended runs refer to them.
#[derive(Clone, Debug)]
pub(super) struct LogEntry {
    /// Tool calls are stored with their run, so a message here has none.
    pub(super) item: Item,
    pub(super) presence: Presence,
}

/// Whether an item is part of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Readers see the item.
    Present,
    /// The item has left the history for good.
    Removed,
    /// A run answers an earlier message again. The item returns if the run leaves no answer.
    RemovedBy(RunId),
}

impl LogEntry {
    pub(super) fn is_present(&self) -> bool {
        self.presence == Presence::Present
    }

    pub(super) const fn message(&self) -> Option<&Message> {
        match &self.item {
            Item::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The run that wrote the item, or that the message started.
    pub(super) const fn run_id(&self) -> Option<RunId> {
        match &self.item {
            Item::Message(message) => message.run_id,
            Item::HiddenContext(note) => note.run_id,
            Item::Display(item) => item.run_id,
            Item::Unreadable(_) => None,
        }
    }
}
