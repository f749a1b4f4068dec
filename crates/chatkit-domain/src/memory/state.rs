//! The data of the store, and the checks of access to it.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::Map;
use uuid::Uuid;

use crate::{
    Caller, Conversation, ConversationId, ConversationStatus, Idempotency, ItemId, NewConversation,
    NumberedEvent, RepositoryError, Resource, Run, RunFence, RunId, RunOwner, Task, UserId,
};

use super::entry::LogEntry;

/// Everything in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) conversations: BTreeMap<ConversationId, StoredConversation>,
    pub(super) tasks: BTreeMap<UserId, UserTasks>,
}

/// A conversation with its log and its runs.
#[derive(Clone, Debug)]
pub(super) struct StoredConversation {
    pub(super) conversation: Conversation,
    /// Increases with every change that a reader can see.
    pub(super) revision: u64,
    /// The items in order of their sequence numbers, which are 1, 2, 3 …
    pub(super) log: Vec<LogEntry>,
    /// The time of the last item of the log.
    pub(super) last_item_at: Option<DateTime<Utc>>,
    pub(super) runs: BTreeMap<RunId, StoredRun>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

/// A run, with data that callers do not see.
#[derive(Clone, Debug)]
pub(super) struct StoredRun {
    pub(super) run: Run,
    /// `None` also for a failed run that a later run with the same key has replaced.
    pub(super) idempotency: Option<Idempotency>,
    /// `None` once the run has ended.
    pub(super) lease: Option<Lease>,
    pub(super) cancel_requested: bool,
    pub(super) window_start: Option<u64>,
    /// The events before the end.
    pub(super) events: Vec<Arc<NumberedEvent>>,
    /// The number of the event that ends the run. 0 until then.
    pub(super) last_event: u64,
}

/// The right of a process to answer a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) owner: Uuid,
    pub(super) expires_at: DateTime<Utc>,
}

/// The tasks of a user.
#[derive(Clone, Debug, Default)]
pub(super) struct UserTasks {
    /// The number of the last task, even if it was deleted.
    pub(super) last: u64,
    pub(super) tasks: BTreeMap<u64, Task>,
}

impl State {
    /// A conversation of the caller that is not deleted.
    ///
    /// # Errors
    /// `NotFound` with the resource that the caller asked for.
    pub(super) fn of_caller(
        &self,
        caller: &Caller,
        id: ConversationId,
        resource: Resource,
    ) -> Result<&StoredConversation, RepositoryError> {
        let found = self.conversations.get(&id);
        found
            .filter(|conversation| conversation.is_visible_to(caller))
            .ok_or(RepositoryError::NotFound(resource))
    }

    /// The same, to write to it.
    pub(super) fn of_caller_mut(
        &mut self,
        caller: &Caller,
        id: ConversationId,
        resource: Resource,
    ) -> Result<&mut StoredConversation, RepositoryError> {
        let found = self.conversations.get_mut(&id);
        found
            .filter(|conversation| conversation.is_visible_to(caller))
            .ok_or(RepositoryError::NotFound(resource))
    }

    /// The conversation of a run, to write to it. It may be deleted: its run can still end.
    ///
    /// # Errors
    /// `RunLost` if the run has ended or belongs to another process.
    pub(super) fn of_fence(
        &mut self,
        fence: RunFence,
    ) -> Result<&mut StoredConversation, RepositoryError> {
        let found = self.conversations.get_mut(&fence.conversation_id);
        let owns = |conversation: &StoredConversation| {
            let run = conversation.runs.get(&fence.run_id);
            run.is_some_and(|run| run.belongs_to(fence.owner))
        };
        found
            .filter(|conversation| owns(conversation))
            .ok_or(RepositoryError::RunLost)
    }

    /// A run of any conversation.
    pub(super) fn run(&self, id: RunId) -> Option<&StoredRun> {
        let mut conversations = self.conversations.values();
        conversations.find_map(|conversation| conversation.runs.get(&id))
    }

    /// The conversation that contains this item, even if the item was removed from the history.
    pub(super) fn place_of(&self, item: ItemId) -> Option<ConversationId> {
        let mut conversations = self.conversations.values();
        let found = conversations.find(|conversation| conversation.entry(item).is_some());
        found.map(|conversation| conversation.conversation.id)
    }
}

impl StoredConversation {
    pub(super) fn new(caller: &Caller, new: NewConversation) -> Self {
        let NewConversation { id, title, now } = new;
        Self {
            conversation: Conversation {
                id,
                user_id: caller.user_id().clone(),
                title_is_default: title.is_none(),
                title: title.unwrap_or_default(),
                created_at: now,
                updated_at: now,
                message_count: 0,
                status: ConversationStatus::Active,
                image_domains: None,
                metadata: Map::new(),
            },
            revision: 1,
            log: Vec::new(),
            last_item_at: None,
            runs: BTreeMap::new(),
            deleted_at: None,
        }
    }

    pub(super) fn belongs_to(&self, caller: &Caller) -> bool {
        self.conversation.user_id == *caller.user_id()
    }

    pub(super) fn is_visible_to(&self, caller: &Caller) -> bool {
        self.belongs_to(caller) && self.deleted_at.is_none()
    }

    pub(super) fn active_run(&self) -> Option<&StoredRun> {
        self.runs.values().find(|run| run.is_active())
    }

    /// The run, which must exist.
    pub(super) fn run_mut(&mut self, id: RunId) -> Result<&mut StoredRun, RepositoryError> {
        self.runs.get_mut(&id).ok_or(RepositoryError::RunLost)
    }
}

impl StoredRun {
    pub(super) fn is_active(&self) -> bool {
        self.run.status.is_active()
    }

    /// Whether this process answers the run. A lease that has expired counts until another process
    /// takes the run.
    pub(super) fn belongs_to(&self, owner: RunOwner) -> bool {
        self.is_active() && self.lease.is_some_and(|lease| lease.owner == owner.id)
    }

    pub(super) fn has_expired(&self) -> bool {
        let expires_at = self.lease.map(|lease| lease.expires_at);
        self.is_active() && expires_at.is_some_and(|time| time <= Utc::now())
    }

    /// The number of the last stored event.
    pub(super) fn last_stored_event(&self) -> u64 {
        self.events.last().map_or(0, |event| event.number)
    }

    pub(super) fn events_after(&self, after: u64) -> Vec<Arc<NumberedEvent>> {
        let events = self.events.iter().filter(|event| event.number > after);
        events.cloned().collect()
    }

    /// Stores events. Those that were stored before are skipped.
    pub(super) fn append_events(&mut self, events: &[Arc<NumberedEvent>]) {
        let last = self.last_stored_event();
        let new = events.iter().filter(|event| event.number > last);
        self.events.extend(new.cloned());
    }
}

impl Lease {
    /// A lease that starts now.
    pub(super) fn new(owner: RunOwner) -> Self {
        Self {
            owner: owner.id,
            expires_at: Utc::now() + owner.lease,
        }
    }
}

/// The error for an id that is already used.
pub(super) fn already_stored() -> RepositoryError {
    RepositoryError::Failed("the id is already stored".into())
}
