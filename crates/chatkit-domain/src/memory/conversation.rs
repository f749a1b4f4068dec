//! The port of conversations.

use std::{cmp::Reverse, collections::btree_map::Entry};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, Conversation, ConversationChanges, ConversationId, ConversationRepository,
    ListConversations, ListCreated, NewConversation, Order, Page, RepositoryError, Resource, RunId,
    SearchQuery, Title, automatic_title, fold,
};

use super::{
    MemoryStore,
    state::{State, StoredConversation, already_stored},
};

const NOT_FOUND: RepositoryError = RepositoryError::NotFound(Resource::Conversation);

#[async_trait]
impl ConversationRepository for MemoryStore {
    async fn insert(
        &self,
        caller: &Caller,
        conversation: NewConversation,
    ) -> Result<Conversation, RepositoryError> {
        self.write(|state| {
            let inserted = state.insert_conversation(caller, conversation)?;
            Ok(inserted.conversation.clone())
        })
    }

    async fn get(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Conversation, RepositoryError> {
        let state = self.read();
        let found = state.of_caller(caller, id, Resource::Conversation)?;
        Ok(found.conversation.clone())
    }

    async fn list(
        &self,
        caller: &Caller,
        list: &ListConversations,
    ) -> Result<Page<Conversation>, RepositoryError> {
        let position =
            |found: &Conversation| (found.updated_at.timestamp_millis(), found.id.uuid());
        let after = list.after.map(|after| (after.key, after.id));
        let state = self.read();
        let mut entries: Vec<Conversation> = state
            .live_conversations(caller)
            .filter(|found| list.query.as_ref().is_none_or(|query| found.matches(query)))
            .map(|found| found.conversation.clone())
            .filter(|found| after.is_none_or(|after| position(found) < after))
            .collect();
        entries.sort_by_key(|found| Reverse(position(found)));
        Ok(Page::of(entries, list.limit))
    }

    async fn list_created(
        &self,
        caller: &Caller,
        list: ListCreated<ConversationId>,
    ) -> Result<Page<Conversation>, RepositoryError> {
        let position = |found: &Conversation| (found.created_at, found.id);
        let state = self.read();
        let after = match list.after {
            Some(id) => {
                let found = state.conversations.get(&id);
                let found = found.filter(|found| found.belongs_to(caller));
                Some(position(&found.ok_or(NOT_FOUND)?.conversation))
            }
            None => None,
        };
        let live = state.live_conversations(caller);
        let mut entries: Vec<Conversation> = live.map(|found| found.conversation.clone()).collect();
        entries.sort_by_key(position);
        match list.order {
            Order::Asc => entries.retain(|found| after.is_none_or(|after| position(found) > after)),
            Order::Desc => {
                entries.retain(|found| after.is_none_or(|after| position(found) < after));
                entries.reverse();
            }
        }
        Ok(Page::of(entries, list.limit))
    }

    async fn rename(
        &self,
        caller: &Caller,
        id: ConversationId,
        title: &Title,
        now: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError> {
        self.write(|state| {
            let found = state.of_caller_mut(caller, id, Resource::Conversation)?;
            found.rename(title.clone(), now);
            found.save();
            Ok(found.conversation.clone())
        })
    }

    async fn delete(
        &self,
        caller: &Caller,
        id: ConversationId,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        self.write(|state| {
            let found = state.of_caller_mut(caller, id, Resource::Conversation)?;
            found.deleted_at = Some(now);
            found.save();
            let active = found.runs.values_mut().find(|run| run.is_active());
            Ok(active.map(|run| {
                run.cancel_requested = true;
                run.run.id
            }))
        })
    }

    async fn restore(
        &self,
        caller: &Caller,
        id: ConversationId,
        deleted_after: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError> {
        self.write(|state| {
            let found = state.conversations.get_mut(&id);
            let found = found.filter(|found| found.belongs_to(caller));
            let found = found.ok_or(NOT_FOUND)?;
            if found.deleted_at.is_some_and(|time| time <= deleted_after) {
                return Err(NOT_FOUND);
            }
            found.deleted_at = None;
            found.save();
            Ok(found.conversation.clone())
        })
    }
}

impl State {
    pub(super) fn insert_conversation(
        &mut self,
        caller: &Caller,
        new: NewConversation,
    ) -> Result<&mut StoredConversation, RepositoryError> {
        match self.conversations.entry(new.id) {
            Entry::Vacant(entry) => Ok(entry.insert(StoredConversation::new(caller, new))),
            Entry::Occupied(_) => Err(already_stored()),
        }
    }

    fn live_conversations(&self, caller: &Caller) -> impl Iterator<Item = &StoredConversation> {
        let all = self.conversations.values();
        all.filter(|conversation| conversation.is_visible_to(caller))
    }
}

impl StoredConversation {
    /// Records a change. Readers can see every change, so the revision increases.
    pub(super) fn save(&mut self) {
        self.revision += 1;
        self.conversation.message_count = self.messages().count() as u64;
    }

    /// Sets a chosen title.
    fn rename(&mut self, title: Title, now: DateTime<Utc>) {
        self.name(title);
        self.touch(now);
    }

    /// Derives the title from a message, unless the conversation has one.
    pub(super) fn name_after(&mut self, text: &str) {
        if self.conversation.title_is_default {
            self.name(automatic_title(text));
        }
    }

    fn name(&mut self, title: Title) {
        self.conversation.title = title;
        self.conversation.title_is_default = false;
    }

    pub(super) fn change(&mut self, changes: ConversationChanges, now: DateTime<Utc>) {
        let ConversationChanges {
            title,
            status,
            image_domains,
            metadata,
        } = changes;
        if let Some(title) = title {
            self.rename(title, now);
        }
        let conversation = &mut self.conversation;
        if let Some(status) = status {
            conversation.status = status;
        }
        if let Some(domains) = image_domains {
            conversation.image_domains = domains;
        }
        if let Some(metadata) = metadata {
            conversation.metadata = metadata;
        }
    }

    /// Whether the title or a message of the history contains the text.
    fn matches(&self, query: &SearchQuery) -> bool {
        let contains = |text: &str| fold(text).contains(query.folded());
        contains(self.conversation.title.as_str())
            || self.messages().any(|message| contains(&message.content))
    }
}
