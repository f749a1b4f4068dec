//! What a turn tells of its thread. One rule: what is done, replaced or removed is kept first and
//! told then; what is added or changes is only told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chatkit_domain::{
    ConversationChanges, ConversationStatus, IncompleteReason, Item, ItemDraft, ItemId, KeepItems,
    KeptItems, RepositoryError, RunEvent, RunFence, replace_nul, replace_nul_in_json,
};
use chatkit_protocol::{ItemKind, ThreadItem, ThreadItemUpdate, ThreadStreamEvent as Event};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    agent::{Shared, insist},
    journal::EnteredRun,
    thread::{self, content_of},
};

/// Most of what is told at once, in bytes of JSON: a picture may stand in its own address.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// What a responder is told of more.
const TOO_LARGE: &str = "an item or an event is larger than 4 MiB";

/// Tells and keeps what a turn does.
#[derive(Debug)]
pub(crate) struct Emitter<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) fence: RunFence,
    entered: &'a EnteredRun,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Items that were added and are not done.
    pending: Vec<ThreadItem>,
    /// The answers of this turn that stand in the history.
    said: Vec<ItemId>,
    /// Whether something was kept, perhaps without anybody knowing.
    has_kept: bool,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(shared: &'a Shared, fence: RunFence, entered: &'a EnteredRun) -> Self {
        Self {
            shared,
            fence,
            entered,
            state: Mutex::default(),
        }
    }

    /// A new item, from now.
    pub(crate) fn item(&self, kind: ItemKind) -> ThreadItem {
        self.item_of(self.shared.clock.id(), kind)
    }

    /// The same under this id.
    pub(crate) fn item_of(&self, id: ItemId, kind: ItemKind) -> ThreadItem {
        let thread = self.fence.conversation_id;
        thread::item(id, thread, self.shared.clock.now(), kind)
    }

    /// Tells what is not kept.
    pub(crate) fn tell(&self, event: Event) {
        match clean(event) {
            Ok(event) => self.tell_clean(event),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "something was not told"
            ),
        }
    }

    fn tell_clean(&self, event: Event) {
        match &event {
            Event::ItemAdded { item } | Event::ItemDone { item } | Event::ItemReplaced { item }
                if item.kind.is_hidden() => {}
            Event::ItemAdded { item } => {
                self.lock().pending.push(item.clone());
                self.tell_chatkit(&event);
            }
            Event::ItemUpdated { item_id, update } => {
                let is_pending = self.apply(item_id, update);
                match (update, id_of(item_id)) {
                    (
                        ThreadItemUpdate::TextDelta {
                            content_index,
                            delta,
                        },
                        Ok(message_id),
                    ) if is_pending => self.tell_run(RunEvent::MessageDelta {
                        message_id,
                        part: Some(u32::try_from(*content_index).unwrap_or(u32::MAX)),
                        text: delta.clone(),
                    }),
                    _ => self.tell_chatkit(&event),
                }
            }
            _ => self.tell_chatkit(&event),
        }
    }

    /// Tells an event; what it says is done is kept before.
    ///
    /// # Errors
    /// `RunLost`; `WrongMessage` for an item that is not this turn's to write, and for threads,
    /// which change by [`change`](Self::change); `Failed` for what is too large.
    pub(crate) async fn emit(&self, event: Event) -> Result<(), RepositoryError> {
        match clean(event)? {
            Event::ThreadCreated { .. } | Event::ThreadUpdated { .. } => {
                return Err(RepositoryError::WrongMessage);
            }
            Event::ItemDone { item } => {
                self.put(item, |item| Event::ItemDone { item }).await?;
            }
            Event::ItemReplaced { item } => {
                self.put(item, |item| Event::ItemReplaced { item }).await?;
            }
            Event::ItemRemoved { item_id } => self.remove(&item_id).await?,
            Event::ItemAdded { item } => {
                id_of(&item.id)?;
                if matches!(item.kind, ItemKind::UserMessage { .. }) {
                    return Err(RepositoryError::WrongMessage);
                }
                let item = self.of_here(item);
                self.tell_clean(Event::ItemAdded { item });
            }
            event => self.tell_clean(event),
        }
        Ok(())
    }

    /// Changes the thread, and tells what it is now.
    ///
    /// # Errors
    /// `RunLost`.
    pub(crate) async fn change(&self, changes: ConversationChanges) -> Result<(), RepositoryError> {
        let keep = KeepItems {
            changes: without_nul(changes),
            ..self.nothing()
        };
        let kept = self.keep(keep).await?;
        let thread = thread::to_thread(&kept.conversation);
        self.tell_chatkit(&Event::ThreadUpdated { thread });
        Ok(())
    }

    /// Drafts of the unfinished answers, marked with this reason.
    pub(crate) fn partial_answers(&self, reason: IncompleteReason) -> Vec<ItemDraft> {
        self.lock()
            .pending
            .iter()
            .filter_map(|item| partial_answer(item, reason))
            .collect()
    }

    /// Whether something was kept, or something begun.
    pub(crate) fn has_kept(&self) -> bool {
        let state = self.lock();
        state.has_kept || !state.pending.is_empty()
    }

    /// Whether an answer of this turn stands in the history.
    pub(crate) fn has_answered(&self) -> bool {
        !self.lock().said.is_empty()
    }

    /// Tells an item that is done, or that it is gone where it is not known to be kept at once: a
    /// database that is away does not hold the turn up for it.
    ///
    /// # Errors
    /// As [`emit`](Self::emit), but for `Unavailable`.
    pub(crate) async fn emit_dispensable(
        &self,
        id: ItemId,
        kind: ItemKind,
    ) -> Result<(), RepositoryError> {
        let Some(content) = content_of(&kind, None) else {
            return Ok(());
        };
        let keep = KeepItems {
            put: vec![ItemDraft { id, content }],
            ..self.nothing()
        };
        match self.keep_at_once(keep).await {
            Ok(kept) => {
                for item in kept.items.into_iter().filter_map(thread::to_item) {
                    self.tell_chatkit(&Event::ItemDone { item });
                }
                Ok(())
            }
            Err(RepositoryError::Unavailable(error)) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "could not store a reasoning item"
                );
                self.tell_run(RunEvent::ItemRemoved { item_id: id });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps an item, and tells it with the time at which it was.
    async fn put(
        &self,
        item: ThreadItem,
        event: impl FnOnce(ThreadItem) -> Event,
    ) -> Result<(), RepositoryError> {
        let id = id_of(&item.id)?;
        let content = content_of(&item.kind, None);
        let content = content.ok_or(RepositoryError::WrongMessage)?;
        let keep = KeepItems {
            put: vec![ItemDraft { id, content }],
            ..self.nothing()
        };
        let kept = self.keep(keep).await?.items.pop();
        self.forget(&item.id);
        match kept {
            Some(Item::Message(message)) => {
                if message.run_id == Some(self.fence.run_id) {
                    self.lock().said.push(id);
                }
                let shown = event(thread::to_message(message.clone()));
                // Other dialects know no replacing: to them, this is what it is now.
                if matches!(shown, Event::ItemReplaced { .. }) {
                    self.tell_chatkit(&shown);
                }
                self.tell_run(RunEvent::MessageCompleted(Box::new(message)));
            }
            Some(kept) => {
                if let Some(item) = thread::to_item(kept) {
                    self.tell_chatkit(&event(item));
                }
            }
            None => {}
        }
        Ok(())
    }

    async fn remove(&self, item_id: &str) -> Result<(), RepositoryError> {
        let id = id_of(item_id)?;
        let keep = KeepItems {
            remove: vec![id],
            ..self.nothing()
        };
        self.keep(keep).await?;
        self.forget(item_id);
        self.lock().said.retain(|said| *said != id);
        self.tell_run(RunEvent::ItemRemoved { item_id: id });
        Ok(())
    }

    /// Changes an item that is pending. Whether there is such.
    fn apply(&self, item_id: &str, update: &ThreadItemUpdate) -> bool {
        let mut state = self.lock();
        let pending = state.pending.iter_mut().find(|item| item.id == item_id);
        pending.map(|item| item.apply(update.clone())).is_some()
    }

    fn of_here(&self, item: ThreadItem) -> ThreadItem {
        ThreadItem {
            thread_id: self.fence.conversation_id.to_string(),
            ..item
        }
    }

    fn forget(&self, item_id: &str) {
        self.lock().pending.retain(|item| item.id != item_id);
    }

    async fn keep(&self, keep: KeepItems) -> Result<KeptItems, RepositoryError> {
        insist(|| self.keep_at_once(keep.clone())).await
    }

    async fn keep_at_once(&self, keep: KeepItems) -> Result<KeptItems, RepositoryError> {
        // It may be kept and the turn stopped before that is known.
        self.entered.log().keep_numbers();
        self.lock().has_kept = true;
        self.shared.repositories.runs.keep(self.fence, keep).await
    }

    fn nothing(&self) -> KeepItems {
        KeepItems {
            put: Vec::new(),
            remove: Vec::new(),
            changes: ConversationChanges::default(),
            now: self.shared.clock.now(),
        }
    }

    fn tell_chatkit(&self, event: &Event) {
        // What is told here is written without fail: its keys are strings.
        let json = serde_json::to_string(event).unwrap_or_default();
        self.tell_run(RunEvent::ChatKit(json));
    }

    fn tell_run(&self, event: RunEvent) {
        // A run that says more than one answer cannot be retold in other words.
        self.entered.log().keep_numbers();
        self.entered.tell(event);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The draft of an unfinished answer. `None` if it has no text.
fn partial_answer(item: &ThreadItem, reason: IncompleteReason) -> Option<ItemDraft> {
    let ItemKind::AssistantMessage { content } = &item.kind else {
        return None;
    };
    let is_blank = content.iter().all(|part| part.text.trim().is_empty());
    let id = id_of(&item.id).ok().filter(|_| !is_blank)?;
    let content = content_of(&item.kind, Some(reason))?;
    Some(ItemDraft { id, content })
}

fn id_of(id: &str) -> Result<ItemId, RepositoryError> {
    let id = Uuid::parse_str(id).map_err(|_| RepositoryError::WrongMessage)?;
    Ok(ItemId::new(id))
}

/// The event without U+0000, which no database keeps.
fn clean(event: Event) -> Result<Event, RepositoryError> {
    let failed = |error: serde_json::Error| RepositoryError::Failed(Box::new(error));
    let json = serde_json::to_string(&event).map_err(failed)?;
    if json.len() > MAX_EVENT_BYTES {
        return Err(RepositoryError::Failed(TOO_LARGE.into()));
    }
    if !json.contains("\\u0000") {
        return Ok(event);
    }
    let value = serde_json::from_str(&json).map(replace_nul_in_json);
    value.and_then(serde_json::from_value).map_err(failed)
}

fn without_nul(changes: ConversationChanges) -> ConversationChanges {
    let ConversationChanges {
        title,
        status,
        image_domains,
        metadata,
    } = changes;
    let reason = |reason: Option<String>| reason.map(replace_nul);
    ConversationChanges {
        title,
        status: status.map(|status| match status {
            ConversationStatus::Active => ConversationStatus::Active,
            ConversationStatus::Locked { reason: why } => {
                let reason = reason(why);
                ConversationStatus::Locked { reason }
            }
            ConversationStatus::Closed { reason: why } => {
                let reason = reason(why);
                ConversationStatus::Closed { reason }
            }
        }),
        image_domains: image_domains
            .map(|domains| domains.map(|list| list.into_iter().map(replace_nul).collect())),
        metadata: metadata.map(|metadata| match replace_nul_in_json(metadata.into()) {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        }),
    }
}
