//! The queries of [`RunJournal`]. They lock the conversation first and then the run.

use async_trait::async_trait;
use chatkit_domain::{
    EventBatch, EventCursor, FinishRun, FinishedRun, ItemContent, Message, NewToolCall, Note,
    OwnedRun, RepositoryError, RunEnd, RunErrorCode, RunFence, RunId, RunJournal, RunNews,
    RunOwner, StoreItems, StoredItems, ToolCall, ToolCallOutcome, ToolCallStatus,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Database,
    end::{RunEnding, end_run, store_answer, withhold},
    entity::{run, tool_call as tool_call_entity},
    error::repository_error,
    is_active,
    item_columns::ItemColumns,
    items::put,
    locked::LockedConversation,
    owner_locks::DeadOwner,
    run_event::insert_last,
    run_row::to_run,
    stored, tool_call,
};

#[async_trait]
impl RunJournal for Database {
    async fn enter(&self, owner: RunOwner) -> Result<(), RepositoryError> {
        // The runs of all other owners are taken over when their leases expire. A failure here must
        // not keep the process from starting.
        let dead = self.owner_locks.dead();
        if !dead.is_empty() {
            let expired = run::Entity::update_many()
                .col_expr(run::Column::LeaseExpiresAt, self.now())
                .filter(run::Column::LeaseOwner.is_in(dead.iter().map(|dead| dead.owner)))
                .filter(is_active())
                .exec(&self.writer)
                .await;
            match expired {
                Ok(_) => dead.into_iter().for_each(DeadOwner::forget),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not end the leases of dead processes"
                ),
            }
        }
        self.owner_locks.enter(owner.id);
        Ok(())
    }

    async fn start_tool_calls(
        &self,
        fence: RunFence,
        calls: &[NewToolCall],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let transaction = self.write().await?;
        let conversation = self.lock(&transaction, fence).await?;
        let entered = run::Entity::update_many()
            .col_expr(run::Column::HasToolCalls, Expr::value(true))
            .filter(run::Column::Id.eq(fence.run_id.uuid()))
            .filter(run::Column::LeaseOwner.eq(fence.owner.id))
            .filter(is_active())
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        if entered.rows_affected == 0 {
            return Err(RepositoryError::RunLost);
        }
        let started = |call: &NewToolCall| ToolCall::started(call.clone(), fence.run_id, now);
        let rows = calls
            .iter()
            .map(|call| tool_call_entity::Model::from(started(call)).into_active_model());
        tool_call_entity::Entity::insert_many(rows)
            .exec_without_returning(&transaction)
            .await
            .map_err(repository_error)?;
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)
    }

    async fn finish_tool_call(
        &self,
        fence: RunFence,
        outcome: &ToolCallOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let transaction = self.write().await?;
        let conversation = self.own(&transaction, fence).await?;
        let ToolCallOutcome {
            id,
            status,
            result,
            error_message,
            execution_time_ms,
        } = outcome.clone();
        let changes = tool_call_entity::ActiveModel {
            status: Set(status.as_str().to_owned()),
            tool_output: Set(result),
            error_message: Set(error_message),
            execution_time_ms: Set(Some(stored(execution_time_ms))),
            completed_at: Set(Some(now)),
            ..Default::default()
        };
        tool_call_entity::Entity::update_many()
            .set(changes)
            .filter(tool_call_entity::Column::Id.eq(id.uuid()))
            .filter(tool_call_entity::Column::RunId.eq(fence.run_id.uuid()))
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)
    }

    async fn store_items(
        &self,
        fence: RunFence,
        items: StoreItems,
    ) -> Result<StoredItems, RepositoryError> {
        self.store_items_of_run(fence, items).await
    }

    async fn finish(
        &self,
        fence: RunFence,
        finish: FinishRun,
    ) -> Result<FinishedRun, RepositoryError> {
        let transaction = self.write().await?;
        let mut conversation = self.lock(&transaction, fence).await?;
        let is_owned = run::Column::LeaseOwner.eq(fence.owner.id);
        let mut row = end_run(&transaction, fence.run_id, is_owned, &finish).await?;
        insert_last(&transaction, finish.events.as_ref()).await?;
        let RunEnding {
            answer: assistant_message,
            is_restored,
        } = store_answer(&transaction, &mut conversation, &mut row, &finish).await?;
        // If items were restored, the note would follow an answer that did not end early.
        if let Some(Note { id, text }) = finish.note.filter(|_| !is_restored) {
            let note = ItemColumns::of(ItemContent::HiddenContext(text));
            put(&mut conversation, fence.run_id, id, note, finish.now).await?;
        }
        let unfinished = match &finish.end {
            RunEnd::Cancelled => ToolCallStatus::Cancelled,
            // After a failure of the model or a limit, this process itself cancelled the tools.
            RunEnd::Failed(error) if is_of_run(error.code) => ToolCallStatus::Cancelled,
            RunEnd::Completed | RunEnd::Failed(_) => ToolCallStatus::Unknown,
        };
        if finish.withholds_message && !is_restored {
            withhold(&transaction, row.user_message_id).await?;
        }
        let calls = if row.has_tool_calls {
            tool_call::settle(
                &transaction,
                fence.run_id,
                unfinished,
                assistant_message.as_ref().map(|message| message.id),
                finish.now,
            )
            .await?
        } else {
            Vec::new()
        };
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        let run = to_run(row, calls)?;
        let assistant_message = assistant_message.map(|message| Message {
            tool_calls: run.tool_calls.clone(),
            ..message
        });
        Ok(FinishedRun {
            run,
            assistant_message,
        })
    }

    async fn checkpoint(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError> {
        self.checkpoint_runs(owner, runs, batches).await
    }

    async fn close_expired_run(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        self.close_one_expired_run(now).await
    }

    async fn news(&self, cursors: &[EventCursor]) -> Result<Vec<RunNews>, RepositoryError> {
        self.news_of(cursors).await
    }

    async fn sweep_events(&self, before: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.sweep_run_events(before).await
    }
}

/// Whether the model or a limit caused the failure. This process then knows the state of its tools.
const fn is_of_run(code: RunErrorCode) -> bool {
    !matches!(
        code,
        RunErrorCode::Interrupted | RunErrorCode::Unavailable | RunErrorCode::Internal
    )
}

impl Database {
    /// Locks the run's conversation and checks that the owner still owns the run. No other process
    /// can take the run until the transaction ends, because that requires the same lock.
    pub(super) async fn own<'a>(
        &self,
        transaction: &'a DatabaseTransaction,
        fence: RunFence,
    ) -> Result<LockedConversation<'a>, RepositoryError> {
        let conversation = self.lock(transaction, fence).await?;
        run::Entity::find_by_id(fence.run_id.uuid())
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::LeaseOwner.eq(fence.owner.id))
            .filter(is_active())
            .into_tuple::<Uuid>()
            .one(transaction)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::RunLost)?;
        Ok(conversation)
    }

    async fn lock<'a>(
        &self,
        transaction: &'a DatabaseTransaction,
        fence: RunFence,
    ) -> Result<LockedConversation<'a>, RepositoryError> {
        LockedConversation::any(transaction, fence.conversation_id)
            .await?
            .ok_or(RepositoryError::RunLost)
    }
}
