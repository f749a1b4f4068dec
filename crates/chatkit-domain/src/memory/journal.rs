//! The port of the process that answers runs.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    EventBatch, EventCursor, FinishRun, FinishedRun, ItemId, NewToolCall, OwnedRun,
    RepositoryError, RunFence, RunId, RunJournal, RunNews, RunOwner, StoreItems, StoredItems,
    ToolCall, ToolCallOutcome,
};

use super::{
    MemoryStore,
    content::check_size,
    state::{Lease, State, StoredRun},
};

#[async_trait]
impl RunJournal for MemoryStore {
    async fn enter(&self, _owner: RunOwner) -> Result<(), RepositoryError> {
        // A store in memory dies with its process, so no earlier owner can be known to be dead.
        Ok(())
    }

    async fn checkpoint(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError> {
        self.write(|state| Ok(state.checkpoint(owner, runs, batches)))
    }

    async fn store_items(
        &self,
        fence: RunFence,
        items: StoreItems,
    ) -> Result<StoredItems, RepositoryError> {
        self.write(|state| state.store_items(fence, items))
    }

    async fn start_tool_calls(
        &self,
        fence: RunFence,
        calls: &[NewToolCall],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.write(|state| {
            let conversation = state.of_fence(fence)?;
            let run = &mut conversation.run_mut(fence.run_id)?.run;
            let started = |call: &NewToolCall| ToolCall::started(call.clone(), run.id, now);
            let started: Vec<ToolCall> = calls.iter().map(started).collect();
            run.tool_calls.extend(started);
            run.tool_calls
                .sort_by_key(|call| (call.round, call.position));
            conversation.save();
            Ok(())
        })
    }

    async fn finish_tool_call(
        &self,
        fence: RunFence,
        outcome: &ToolCallOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.write(|state| {
            let conversation = state.of_fence(fence)?;
            let run = &mut conversation.run_mut(fence.run_id)?.run;
            let mut calls = run.tool_calls.iter_mut();
            if let Some(call) = calls.find(|call| call.id == outcome.id) {
                *call = call.clone().finished(outcome.clone(), now);
            }
            conversation.save();
            Ok(())
        })
    }

    async fn finish(
        &self,
        fence: RunFence,
        finish: FinishRun,
    ) -> Result<FinishedRun, RepositoryError> {
        self.write(|state| state.finish(fence, finish))
    }

    async fn news(&self, cursors: &[EventCursor]) -> Result<Vec<RunNews>, RepositoryError> {
        let state = self.read();
        let news = |cursor: &EventCursor| {
            let run = state.run(cursor.run_id)?;
            let events = run.events_after(cursor.after);
            Some(RunNews {
                run_id: cursor.run_id,
                last: events.last().map_or(cursor.after, |event| event.number),
                events,
                is_active: run.is_active(),
            })
        };
        Ok(cursors.iter().filter_map(news).collect())
    }

    async fn close_expired_run(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        self.write(|state| {
            let mut conversations = state.conversations.values();
            let expired = conversations.find(|found| found.expired_run().is_some());
            match expired.map(|found| found.conversation.id) {
                Some(id) => state.interrupt_expired_run(id, now),
                None => Ok(None),
            }
        })
    }

    async fn sweep_events(&self, before: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.write(|state| {
            let conversations = state.conversations.values_mut();
            let runs = conversations.flat_map(|conversation| conversation.runs.values_mut());
            let has_ended = |run: &StoredRun| run.run.ended_at.is_some_and(|time| time < before);
            let mut swept = 0;
            for run in runs.filter(|run| has_ended(run) && !run.events.is_empty()) {
                run.events.clear();
                swept += 1;
            }
            Ok(swept)
        })
    }
}

impl State {
    fn checkpoint(
        &mut self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Vec<OwnedRun> {
        let conversations = self.conversations.values_mut();
        let all = conversations.flat_map(|conversation| conversation.runs.values_mut());
        let owned = all.filter(|run| runs.contains(&run.run.id) && run.belongs_to(owner));
        let extended = owned.map(|run| {
            let id = run.run.id;
            run.lease = Some(Lease::new(owner));
            for batch in batches.iter().filter(|batch| batch.run_id == id) {
                run.append_events(&batch.events);
            }
            OwnedRun {
                id,
                cancel_requested: run.cancel_requested,
            }
        });
        extended.collect()
    }

    fn store_items(
        &mut self,
        fence: RunFence,
        items: StoreItems,
    ) -> Result<StoredItems, RepositoryError> {
        let StoreItems {
            put,
            remove,
            changes,
            now,
        } = items;
        self.of_fence(fence)?;
        self.check_items(fence, put.iter().map(|write| write.id))?;
        self.check_items(fence, remove.iter().copied())?;
        let conversation = self.of_fence(fence)?;
        put.iter()
            .try_for_each(|write| check_size(&write.content))?;
        let mut items = Vec::new();
        for write in put {
            items.push(conversation.put(fence.run_id, write, now)?);
        }
        let mut removed_messages = Vec::new();
        for id in remove {
            if conversation.remove(id)? {
                removed_messages.push(id);
            }
        }
        conversation.change(changes, now);
        conversation.save();
        Ok(StoredItems {
            items,
            removed_messages,
            conversation: conversation.conversation.clone(),
        })
    }

    /// Checks that none of these items is in another conversation than the run.
    pub(super) fn check_items(
        &self,
        fence: RunFence,
        items: impl IntoIterator<Item = ItemId>,
    ) -> Result<(), RepositoryError> {
        let mut places = items.into_iter().filter_map(|id| self.place_of(id));
        if places.any(|place| place != fence.conversation_id) {
            return Err(RepositoryError::WrongMessage);
        }
        Ok(())
    }
}
