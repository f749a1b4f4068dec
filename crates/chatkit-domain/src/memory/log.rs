//! The log of a conversation: appends, replaces, removes and restores items.

use chrono::{DateTime, Utc};

use crate::{
    Item, ItemContent, ItemId, ItemWrite, Message, MessageStatus, RepositoryError, Role, RunId,
    next_instant,
};

use super::{
    content::{new_item, replace_content, stored_content},
    entry::{LogEntry, Presence},
    state::StoredConversation,
};

impl StoredConversation {
    /// An item of the log, even if it was removed from the history.
    pub(super) fn entry(&self, id: ItemId) -> Option<&LogEntry> {
        self.log.iter().find(|entry| entry.item.id() == id)
    }

    fn entry_mut(&mut self, id: ItemId) -> Option<&mut LogEntry> {
        self.log.iter_mut().find(|entry| entry.item.id() == id)
    }

    /// A message of the log, even if it was removed from the history.
    pub(super) fn stored_message(&self, id: ItemId) -> Option<&Message> {
        self.entry(id).and_then(LogEntry::message)
    }

    /// The items of the history, oldest first.
    pub(super) fn history(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.log.iter().filter(|entry| entry.is_present())
    }

    /// The messages of the history, oldest first.
    pub(super) fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.history().filter_map(LogEntry::message)
    }

    /// A message of the history.
    pub(super) fn message(&self, id: ItemId) -> Option<&Message> {
        self.messages().find(|message| message.id == id)
    }

    /// A message of the history, to change it.
    pub(super) fn message_mut(&mut self, id: ItemId) -> Option<&mut Message> {
        let entry = self.entry_mut(id).filter(|entry| entry.is_present())?;
        match &mut entry.item {
            Item::Message(message) => Some(message),
            _ => None,
        }
    }

    /// A complete message of the assistant that is not in the log yet.
    pub(super) fn blank_message(&self, id: ItemId, content: String) -> Message {
        Message {
            id,
            conversation_id: self.conversation.id,
            sequence_number: 0,
            role: Role::Assistant,
            content,
            details: None,
            status: MessageStatus::Completed,
            incomplete_reason: None,
            reasoning: None,
            is_withheld: false,
            tool_calls: Vec::new(),
            feedback: None,
            run_id: None,
            model: None,
            tokens_used: None,
            created_at: self.conversation.created_at,
        }
    }

    /// Appends a message. Returns it with its position and time.
    pub(super) fn append_message(&mut self, message: Message, now: DateTime<Utc>) -> Message {
        let (sequence_number, created_at) = self.next_place(now);
        let message = Message {
            sequence_number,
            created_at,
            ..message
        };
        self.append(Item::Message(message.clone()));
        self.touch(created_at);
        message
    }

    fn append(&mut self, item: Item) {
        let presence = Presence::Present;
        self.log.push(LogEntry { item, presence });
    }

    /// Positions and times both increase, even if the clocks of the writers differ.
    fn next_place(&mut self, now: DateTime<Utc>) -> (u64, DateTime<Utc>) {
        let created_at = next_instant(now, self.last_item_at);
        self.last_item_at = Some(created_at);
        (self.log.len() as u64 + 1, created_at)
    }

    /// Records a change that moves the conversation to the front of the list.
    pub(super) fn touch(&mut self, at: DateTime<Utc>) {
        self.conversation.updated_at = self.conversation.updated_at.max(at);
    }

    /// Appends an item, or replaces the content of the item with the same id, which then is in the
    /// history again. Returns the item.
    ///
    /// # Errors
    /// `WrongMessage` if the item is of another kind, or the user's message.
    pub(super) fn put(
        &mut self,
        run_id: RunId,
        write: ItemWrite,
        now: DateTime<Utc>,
    ) -> Result<Item, RepositoryError> {
        let ItemWrite { id, content } = write;
        let content = stored_content(content);
        let known = self.entry_mut(id).map(|entry| {
            let was_present = entry.is_present();
            entry.presence = Presence::Present;
            replace_content(&mut entry.item, content.clone())?;
            Ok((entry.item.clone(), was_present))
        });
        let (item, was_present) = match known {
            Some(replaced) => replaced?,
            None => (self.append_new(id, run_id, content, now), false),
        };
        if let (Item::Message(message), false) = (&item, was_present) {
            self.touch(now.max(message.created_at));
        }
        Ok(item)
    }

    fn append_new(
        &mut self,
        id: ItemId,
        run_id: RunId,
        content: ItemContent,
        now: DateTime<Utc>,
    ) -> Item {
        let (sequence_number, created_at) = self.next_place(now);
        let item = new_item(
            Message {
                sequence_number,
                run_id: Some(run_id),
                created_at,
                ..self.blank_message(id, String::new())
            },
            content,
        );
        self.append(item.clone());
        item
    }

    /// Removes an item from the history for good. Returns whether it was a message.
    ///
    /// # Errors
    /// `WrongMessage` for a message of the user.
    pub(super) fn remove(&mut self, id: ItemId) -> Result<bool, RepositoryError> {
        let Some(entry) = self.entry_mut(id).filter(|entry| entry.is_present()) else {
            return Ok(false);
        };
        let role = entry.message().map(|message| message.role);
        if role == Some(Role::User) {
            return Err(RepositoryError::WrongMessage);
        }
        entry.presence = Presence::Removed;
        Ok(role.is_some())
    }

    /// Removes everything after a message from the history, on behalf of a run.
    pub(super) fn remove_after(&mut self, sequence_number: u64, run_id: RunId) {
        for entry in &mut self.log {
            if entry.is_present() && entry.item.sequence_number() > sequence_number {
                entry.presence = Presence::RemovedBy(run_id);
            }
        }
    }

    /// Restores the items that the run removed, and removes the items that it wrote. If the run has
    /// an answer, only a message makes this worthwhile. Returns whether anything was restored.
    pub(super) fn restore_removed(&mut self, run_id: RunId, has_answer: bool) -> bool {
        let removed = Presence::RemovedBy(run_id);
        let is_worthwhile = |entry: &LogEntry| {
            entry.presence == removed && (!has_answer || entry.message().is_some())
        };
        if !self.log.iter().any(is_worthwhile) {
            return false;
        }
        for entry in &mut self.log {
            if entry.presence == removed {
                entry.presence = Presence::Present;
            } else if entry.run_id() == Some(run_id) && entry.is_present() {
                entry.presence = Presence::Removed;
            }
        }
        true
    }
}
