//! Emits and stores the actions of a turn. An item that is done, replaced or removed is stored
//! before it is emitted. An item that is added or updated is only emitted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chatkit_domain::{
    Aside, ConversationChanges, IncompleteReason, Item, ItemEvent, ItemId, ItemState, ItemWrite,
    MAX_ITEM_BYTES, Message, MessageEvent, RepositoryError, RunEvent, RunFence, StoreItems,
    StoredItems, replace_nul,
};
use chatkit_protocol::{ItemKind, ThreadItemUpdate};

use super::{
    content::{content_of, partial_answer, without_nul},
    error::TurnError,
};
use crate::{
    core::AgentCore,
    log::{journal::EnteredRun, size::size},
    retry::retry_while_unavailable,
};

/// Emits and stores the actions of a turn.
#[derive(Debug)]
pub(crate) struct Emitter<'a> {
    pub(crate) core: &'a AgentCore,
    pub(crate) fence: RunFence,
    entered: &'a EnteredRun,
    state: Mutex<EmitterState>,
}

#[derive(Debug, Default)]
struct EmitterState {
    /// Items that were added and are not done.
    pending: Vec<ItemState>,
    /// The stored and emitted answers of this turn that are in the history.
    answers: Vec<ItemId>,
    /// Whether something was stored, or may have been.
    has_stored: bool,
    /// The number of writes of which it is not known whether they happened: those under way, and
    /// those that the turn gave up.
    unknown_writes: usize,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(core: &'a AgentCore, fence: RunFence, entered: &'a EnteredRun) -> Self {
        Self {
            core,
            fence,
            entered,
            state: Mutex::default(),
        }
    }

    /// Emits something that is no part of the conversation.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(crate) fn emit_aside(&self, aside: Aside) -> Result<(), TurnError> {
        self.emit_checked(RunEvent::Aside(aside))
    }

    /// Emits the start of an item. Does nothing for items that clients must not see.
    ///
    /// # Errors
    /// [`TurnError::TooLarge`].
    pub(crate) fn add(&self, item: ItemState) -> Result<(), TurnError> {
        if item.kind.is_hidden() {
            return Ok(());
        }
        let event = RunEvent::Item(ItemEvent::Added(Box::new(item.clone())));
        self.emit_checked(event)?;
        self.lock().pending.push(item);
        Ok(())
    }

    /// Emits a change of an item.
    ///
    /// # Errors
    /// [`TurnError::TooLarge`].
    pub(crate) fn update(&self, item: ItemId, update: ThreadItemUpdate) -> Result<(), TurnError> {
        let is_pending = self.apply(item, &update);
        self.emit_checked(match update {
            ThreadItemUpdate::TextDelta {
                content_index,
                delta,
            } if is_pending => RunEvent::Text {
                item,
                part: Some(u32::try_from(content_index).unwrap_or(u32::MAX)),
                delta: replace_nul(delta),
            },
            update => RunEvent::Item(ItemEvent::Updated {
                item,
                update: Box::new(update),
            }),
        })
    }

    /// Stores a complete item, and then emits its end.
    ///
    /// # Errors
    /// [`TurnError`].
    pub(crate) async fn finish(&self, item: ItemId, kind: ItemKind) -> Result<(), TurnError> {
        self.write(item, kind, MessageEvent::Completed, ItemEvent::Done)
            .await
    }

    /// Stores new content for an item, and then emits it.
    ///
    /// # Errors
    /// [`TurnError`].
    pub(crate) async fn replace(&self, item: ItemId, kind: ItemKind) -> Result<(), TurnError> {
        self.write(item, kind, MessageEvent::Replaced, ItemEvent::Replaced)
            .await
    }

    async fn write(
        &self,
        item: ItemId,
        kind: ItemKind,
        of_message: impl FnOnce(Box<Message>) -> MessageEvent,
        of_item: impl FnOnce(Box<ItemState>) -> ItemEvent,
    ) -> Result<(), TurnError> {
        let content = content_of(kind).ok_or(TurnError::NotAllowed)?;
        let stored = self.store(self.writing(ItemWrite { id: item, content }));
        match self.stored_item(item, stored.await?) {
            Some(Item::Message(message)) => {
                self.emit(RunEvent::Message(of_message(Box::new(message))));
            }
            Some(Item::Display(item)) => self.emit(RunEvent::Item(of_item(Box::new(item.into())))),
            Some(Item::HiddenContext(_) | Item::Unreadable(_)) | None => {}
        }
        Ok(())
    }

    /// Removes an item from the history, and then emits its removal.
    ///
    /// # Errors
    /// [`TurnError`].
    pub(crate) async fn remove(&self, item: ItemId) -> Result<(), TurnError> {
        let items = StoreItems {
            remove: vec![item],
            ..self.nothing()
        };
        let stored = self.store(items).await?;
        let was_answer = self.lock().answers.contains(&item);
        self.lock().answers.retain(|answer| *answer != item);
        let is_message = self.forget(item) || was_answer || stored.removed_messages.contains(&item);
        self.emit(if is_message {
            RunEvent::Message(MessageEvent::Removed(item))
        } else {
            RunEvent::Item(ItemEvent::Removed(item))
        });
        Ok(())
    }

    /// Changes the conversation, and then emits its new state.
    ///
    /// # Errors
    /// [`TurnError`].
    pub(crate) async fn change(&self, changes: ConversationChanges) -> Result<(), TurnError> {
        let items = StoreItems {
            changes: without_nul(changes),
            ..self.nothing()
        };
        let stored = self.store(items).await?;
        self.emit(RunEvent::Conversation(Box::new(stored.conversation)));
        Ok(())
    }

    /// Stores a complete item, and then emits its end. If the database is unavailable, emits the
    /// removal of the item instead, so that the turn need not wait.
    ///
    /// # Errors
    /// [`TurnError`], except [`Unavailable`](TurnError::Unavailable).
    pub(crate) async fn finish_dispensable(
        &self,
        item: ItemId,
        kind: ItemKind,
    ) -> Result<(), TurnError> {
        let Some(content) = content_of(kind) else {
            return Ok(());
        };
        let store = self.store_once(self.writing(ItemWrite { id: item, content }));
        match self.track(store).await {
            Ok(stored) => {
                if let Some(Item::Display(item)) = self.stored_item(item, stored) {
                    self.emit(RunEvent::Item(ItemEvent::Done(Box::new(item.into()))));
                }
                Ok(())
            }
            Err(RepositoryError::Unavailable(error)) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "could not store a reasoning item"
                );
                self.emit(RunEvent::Item(ItemEvent::Removed(item)));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the unfinished answers that have text, marked with this reason.
    pub(crate) fn partial_answers(&self, reason: IncompleteReason) -> Vec<ItemWrite> {
        let state = self.lock();
        let pending = state.pending.iter();
        pending
            .filter_map(|item| partial_answer(item, reason))
            .collect()
    }

    /// Whether the turn has stored something or started an item.
    pub(crate) fn has_written(&self) -> bool {
        let state = self.lock();
        state.has_stored || !state.pending.is_empty()
    }

    /// Whether an answer of this turn is in the history.
    pub(crate) fn has_answered(&self) -> bool {
        !self.lock().answers.is_empty()
    }

    /// Whether the turn has stored an answer, and has emitted all its stored answers.
    pub(crate) fn has_emitted_answer(&self) -> bool {
        let state = self.lock();
        !state.answers.is_empty() && state.unknown_writes == 0
    }

    /// Returns the stored item, and removes it from the pending ones.
    fn stored_item(&self, id: ItemId, stored: StoredItems) -> Option<Item> {
        self.forget(id);
        let item = stored.items.into_iter().next()?;
        if let Item::Message(message) = &item
            && message.run_id == Some(self.fence.run_id)
        {
            let mut state = self.lock();
            state.answers.retain(|answer| *answer != id);
            state.answers.push(id);
        }
        Some(item)
    }

    /// Changes a pending item. Returns whether the item is pending.
    fn apply(&self, item: ItemId, update: &ThreadItemUpdate) -> bool {
        let mut state = self.lock();
        let pending = state.pending.iter_mut().find(|pending| pending.id == item);
        pending
            .map(|pending| pending.kind.apply(update.clone()))
            .is_some()
    }

    /// Removes an item from the pending ones. Returns whether it was a message.
    fn forget(&self, item: ItemId) -> bool {
        let mut state = self.lock();
        let pending = &mut state.pending;
        let index = pending.iter().position(|pending| pending.id == item);
        index.is_some_and(|index| {
            let item = pending.remove(index);
            matches!(item.kind, ItemKind::AssistantMessage { .. })
        })
    }

    async fn store(&self, items: StoreItems) -> Result<StoredItems, TurnError> {
        let store = retry_while_unavailable(|| self.store_once(items.clone()));
        Ok(self.track(store).await?)
    }

    async fn store_once(&self, items: StoreItems) -> Result<StoredItems, RepositoryError> {
        let journal = &self.core.repositories.journal;
        journal.store_items(self.fence, items).await
    }

    /// Counts a write until its outcome is known.
    async fn track(
        &self,
        write: impl Future<Output = Result<StoredItems, RepositoryError>>,
    ) -> Result<StoredItems, RepositoryError> {
        // The items may be stored and the turn stopped before that is known.
        self.entered.log().keep_numbers();
        {
            let mut state = self.lock();
            state.has_stored = true;
            state.unknown_writes += 1;
        }
        let stored = write.await;
        if !matches!(stored, Err(RepositoryError::Unavailable(_))) {
            self.lock().unknown_writes -= 1;
        }
        stored
    }

    fn writing(&self, write: ItemWrite) -> StoreItems {
        StoreItems {
            put: vec![write],
            ..self.nothing()
        }
    }

    fn nothing(&self) -> StoreItems {
        StoreItems {
            put: Vec::new(),
            remove: Vec::new(),
            changes: ConversationChanges::default(),
            now: self.core.clock.now(),
        }
    }

    /// Emits something that is no part of the conversation, or logs that it is too large.
    pub(crate) fn emit_aside_or_log(&self, aside: Aside) {
        if let Err(error) = self.emit_aside(aside) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not emit an event"
            );
        }
    }

    fn emit_checked(&self, event: RunEvent) -> Result<(), TurnError> {
        if size(&event) > MAX_ITEM_BYTES {
            return Err(TurnError::TooLarge);
        }
        self.emit(event);
        Ok(())
    }

    fn emit(&self, event: RunEvent) {
        // These events cannot be rebuilt from the stored run.
        self.entered.log().keep_numbers();
        self.entered.emit(event);
    }

    fn lock(&self) -> MutexGuard<'_, EmitterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
