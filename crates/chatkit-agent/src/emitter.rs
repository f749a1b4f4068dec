//! What a turn tells of its thread. One rule: what is done, replaced or removed is kept first and
//! told then; what is added or changes is only told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chatkit_domain::{
    ConversationChanges, Item, ItemDraft, ItemId, KeepItems, KeptItems, MessageStatus,
    RepositoryError, RunEvent, RunFence, replace_nul_in_json,
};
use chatkit_protocol::{ItemKind, ThreadItem, ThreadItemUpdate, ThreadStreamEvent as Event};
use uuid::Uuid;

use crate::{
    agent::{Shared, insist},
    journal::EnteredRun,
    thread::{self, content_of},
};

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
    /// The last answer that was kept.
    said: Option<ItemId>,
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
        let event = clean(event);
        match &event {
            Event::ItemAdded { item } | Event::ItemDone { item } | Event::ItemReplaced { item }
                if item.kind.is_hidden() => {}
            Event::ItemAdded { item } => {
                self.lock().pending.push(item.clone());
                self.tell_chatkit(&event);
            }
            Event::ItemUpdated { item_id, update } => {
                let mut state = self.lock();
                let pending = state.pending.iter_mut().find(|item| item.id == *item_id);
                let is_pending = pending.is_some();
                if let Some(item) = pending {
                    item.apply(update.clone());
                }
                drop(state);
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
    /// which change by [`change`](Self::change).
    pub(crate) async fn emit(&self, event: Event) -> Result<(), RepositoryError> {
        let event = clean(event);
        match event {
            Event::ThreadCreated { .. } | Event::ThreadUpdated { .. } => {
                return Err(RepositoryError::WrongMessage);
            }
            Event::ItemDone { item } => {
                self.put(item, |item| Event::ItemDone { item }).await?;
            }
            Event::ItemReplaced { item } => {
                self.put(item, |item| Event::ItemReplaced { item }).await?;
            }
            Event::ItemRemoved { item_id } => {
                let id = id_of(&item_id)?;
                let was_pending = self.forget(&item_id);
                if !was_pending {
                    let remove = vec![id];
                    let keep = KeepItems {
                        remove,
                        ..self.nothing()
                    };
                    self.keep(keep).await?;
                }
                let mut state = self.lock();
                state.said = state.said.filter(|said| *said != id);
                drop(state);
                self.tell_run(RunEvent::ItemRemoved { item_id: id });
            }
            Event::ItemAdded { ref item } => {
                id_of(&item.id)?;
                self.tell(event);
            }
            event => self.tell(event),
        }
        Ok(())
    }

    /// Changes the thread, and tells what it is now.
    ///
    /// # Errors
    /// `RunLost`.
    pub(crate) async fn change(&self, changes: ConversationChanges) -> Result<(), RepositoryError> {
        let keep = KeepItems {
            changes,
            ..self.nothing()
        };
        let kept = self.keep(keep).await?;
        let thread = thread::to_thread(&kept.conversation);
        self.tell_chatkit(&Event::ThreadUpdated { thread });
        Ok(())
    }

    /// Keeps the answers that were begun, as far as they came. Returns the last answer of the turn.
    ///
    /// # Errors
    /// `RunLost`.
    pub(crate) async fn keep_begun(&self) -> Result<(), RepositoryError> {
        let pending = std::mem::take(&mut self.lock().pending);
        let begun: Vec<ItemDraft> = pending.iter().filter_map(begun_answer).collect();
        let Some(last) = begun.last().map(|draft| draft.id) else {
            return Ok(());
        };
        let keep = KeepItems {
            put: begun,
            ..self.nothing()
        };
        self.keep(keep).await?;
        self.lock().said = Some(last);
        Ok(())
    }

    /// The last answer that was kept.
    pub(crate) fn said(&self) -> Option<ItemId> {
        self.lock().said
    }

    /// Keeps an item, and tells it with the time at which it was.
    async fn put(
        &self,
        item: ThreadItem,
        event: impl FnOnce(ThreadItem) -> Event,
    ) -> Result<(), RepositoryError> {
        let id = id_of(&item.id)?;
        let content = content_of(&item.kind, MessageStatus::Completed);
        let content = content.ok_or(RepositoryError::WrongMessage)?;
        let keep = KeepItems {
            put: vec![ItemDraft { id, content }],
            ..self.nothing()
        };
        let kept = self.keep(keep).await?.items.pop();
        self.forget(&item.id);
        match kept {
            Some(Item::Message(message)) => {
                self.lock().said = Some(id);
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

    /// Whether an item was pending, which it is no more.
    fn forget(&self, item_id: &str) -> bool {
        let mut state = self.lock();
        let before = state.pending.len();
        state.pending.retain(|item| item.id != item_id);
        state.pending.len() < before
    }

    async fn keep(&self, keep: KeepItems) -> Result<KeptItems, RepositoryError> {
        let runs = &self.shared.repositories.runs;
        insist(|| runs.keep(self.fence, keep.clone())).await
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

/// An answer that was begun and says something.
fn begun_answer(item: &ThreadItem) -> Option<ItemDraft> {
    let ItemKind::AssistantMessage { content } = &item.kind else {
        return None;
    };
    let is_blank = content.iter().all(|part| part.text.trim().is_empty());
    let id = id_of(&item.id).ok().filter(|_| !is_blank)?;
    let content = content_of(&item.kind, MessageStatus::Incomplete)?;
    Some(ItemDraft { id, content })
}

fn id_of(id: &str) -> Result<ItemId, RepositoryError> {
    let id = Uuid::parse_str(id).map_err(|_| RepositoryError::WrongMessage)?;
    Ok(ItemId::new(id))
}

/// The event without U+0000, which no database keeps.
fn clean(event: Event) -> Event {
    let Ok(json) = serde_json::to_string(&event) else {
        return event;
    };
    if !json.contains("\\u0000") {
        return event;
    }
    let cleaned = serde_json::from_str(&json).map(replace_nul_in_json);
    cleaned.and_then(serde_json::from_value).unwrap_or(event)
}
