//! The queries of [`RunRepository`]. Locks are taken in one order: conversation, then run.

use async_trait::async_trait;
use chatkit_domain::{
    BeginRun, Begun, BegunRun, Caller, ConversationId, EventBatch, EventPage, FinishRun,
    FinishedRun, ItemContent, ItemDraft, ItemId, KeepItems, KeptItems, Message, NewToolCall,
    OwnedRun, RepositoryError, Run, RunEnd, RunErrorCode, RunFence, RunId, RunInput, RunOutcome,
    RunOwner, RunRepository, RunTarget, ToolCall, ToolCallOutcome,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Set, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Database,
    begin::{KeyMeets, insert_conversation, known_run, take_input},
    end::{Left, end_run, keep_answer, withhold},
    entity::{run, tool_call as tool_call_entity},
    error::repository_error,
    is_active,
    keep::put,
    living::Dead,
    locked::{LockedConversation, of_caller},
    message::stored_message,
    run_event::insert_last,
    run_row::to_run,
    stored, tool_call,
};

#[async_trait]
impl RunRepository for Database {
    async fn enter(&self, owner: RunOwner) -> Result<(), RepositoryError> {
        // What is not known here, leases tell later: nothing of this keeps a process from starting.
        let dead = self.living.dead();
        if !dead.is_empty() {
            let expired = run::Entity::update_many()
                .col_expr(run::Column::LeaseExpiresAt, self.now())
                .filter(run::Column::LeaseOwner.is_in(dead.iter().map(|dead| dead.owner)))
                .filter(is_active())
                .exec(&self.writer)
                .await;
            match expired {
                Ok(_) => dead.into_iter().for_each(Dead::forget),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not end the leases of dead processes"
                ),
            }
        }
        self.living.enter(owner.id);
        Ok(())
    }

    async fn begin(&self, caller: &Caller, begin: BeginRun) -> Result<Begun, RepositoryError> {
        let _alone = self.begin_alone(caller).await?;
        let transaction = self.write().await?;
        let mut conversation = match &begin.target {
            RunTarget::New { id, earlier } => {
                insert_conversation(&transaction, caller, *id, earlier, &begin).await?
            }
            RunTarget::Existing(id) => {
                LockedConversation::of_caller(&transaction, caller, *id).await?
            }
        };
        let active = self
            .active_runs(&transaction, caller, begin.target.conversation_id())
            .await?;
        if let Some(run_id) = active.expired_here {
            match self
                .interrupt(&transaction, &mut conversation, run_id, begin.now)
                .await
            {
                // Its owner has just shown that it lives.
                Err(RepositoryError::RunLost) => {
                    return Err(RepositoryError::RunActive { run_id });
                }
                result => result?,
            }
        }
        let input = match known_run(&transaction, caller, &begin).await? {
            KeyMeets::Nothing => begin.input.clone(),
            KeyMeets::Failed(user_message) => RunInput::Again(user_message),
            KeyMeets::Run(run) => {
                let calls = tool_call::of_run(&transaction, run.id).await?;
                if active.expired_here.is_some() {
                    conversation.save().await?;
                    transaction.commit().await.map_err(repository_error)?;
                }
                return Ok(Begun::Known(Box::new(to_run(*run, calls))));
            }
        };
        if let Some(run_id) = active.here {
            return Err(RepositoryError::RunActive { run_id });
        }
        if active.count >= begin.max_runs_per_user {
            return Err(RepositoryError::TooManyRuns);
        }
        let again = matches!(input, RunInput::Again(_));
        let user_message = take_input(&transaction, &mut conversation, &begin, input).await?;
        let run = self
            .insert_run(&transaction, caller, &begin, user_message.id)
            .await?;
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(Begun::New(Box::new(BegunRun {
            run: to_run(run, Vec::new()),
            user_message,
            again,
        })))
    }

    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError> {
        let row = self.run_of(caller, conversation, run).await?;
        let calls = tool_call::of_run(&self.reader, row.id).await?;
        Ok(to_run(row, calls))
    }

    async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError> {
        let transaction = self.write().await?;
        // Held, so that the run does not end in between; a reader sees no change yet.
        let _locked = LockedConversation::of_caller(&transaction, caller, conversation).await?;
        run::Entity::update_many()
            .col_expr(run::Column::CancelRequested, Expr::value(true))
            .filter(run::Column::Id.eq(run.uuid()))
            .filter(run::Column::ConversationId.eq(conversation.uuid()))
            .filter(is_active())
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        self.get(caller, conversation, run).await
    }

    async fn failed_tool_calls(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        user_message: ItemId,
    ) -> Result<Vec<ToolCall>, RepositoryError> {
        let failed = run::Entity::find()
            .filter(run::Column::UserMessageId.eq(user_message.uuid()))
            .filter(Expr::cust("status = 'failed'"))
            .order_by_asc(run::Column::CreatedAt)
            .order_by_asc(run::Column::Id)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        let mut calls = Vec::new();
        for run in failed {
            let is_callers = run.user_id == caller.user_id().as_str();
            if is_callers && run.conversation_id == conversation.uuid() {
                calls.extend(tool_call::of_run(&self.reader, run.id).await?);
            }
        }
        Ok(calls.into_iter().map(ToolCall::from).collect())
    }

    async fn outcome(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<RunOutcome, RepositoryError> {
        let run = self.get(caller, conversation, run).await?;
        let message = async |id: Option<ItemId>| match id {
            // What a run said stays what it said, also when it was answered again.
            Some(id) => stored_message(&self.reader, conversation, id).await,
            None => Ok(None),
        };
        let user_message = message(run.user_message_id)
            .await?
            .ok_or(RepositoryError::NotFound)?
            .try_into()?;
        let assistant_message = message(run.assistant_message_id)
            .await?
            .map(Message::try_from)
            .transpose()?
            .map(|message| Message {
                tool_calls: run.tool_calls.clone(),
                ..message
            });
        Ok(RunOutcome {
            run,
            user_message,
            assistant_message,
        })
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
            status: Set(tool_call::status_column(status)),
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

    async fn keep(&self, fence: RunFence, keep: KeepItems) -> Result<KeptItems, RepositoryError> {
        self.keep_items(fence, keep).await
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
        let Left {
            answer: assistant_message,
            is_put_back,
        } = keep_answer(&transaction, &mut conversation, &mut row, &finish).await?;
        // It would stand behind an answer that nobody stopped.
        if let Some((id, note)) = finish.note.filter(|_| !is_put_back) {
            let content = ItemContent::HiddenContext(note);
            let note = ItemDraft { id, content };
            put(&mut conversation, fence.run_id, note, finish.now).await?;
        }
        let unfinished = match &finish.end {
            RunEnd::Cancelled => tool_call_entity::Status::Cancelled,
            // After a model failure or a limit, this process cancelled the tool itself.
            RunEnd::Failed(error) if is_of_run(error.code) => tool_call_entity::Status::Cancelled,
            RunEnd::Completed | RunEnd::Failed(_) => tool_call_entity::Status::Unknown,
        };
        if finish.withholds_message && !is_put_back {
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
        let run = to_run(row, calls);
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

    async fn events(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError> {
        self.event_page(caller, conversation, run, after).await
    }
}

/// Whether a failure is the model's or a limit's, so that this process knows what its tools did.
const fn is_of_run(code: RunErrorCode) -> bool {
    !matches!(
        code,
        RunErrorCode::Interrupted | RunErrorCode::Unavailable | RunErrorCode::Internal
    )
}

impl Database {
    /// Locks the run's conversation and checks that the run is still its owner's. Until the
    /// transaction ends nobody can take it: whoever does locks the conversation first.
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

    /// The row of a run in a live conversation of the caller's.
    pub(super) async fn run_of(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<run::Model, RepositoryError> {
        let owned = of_caller(caller, conversation)
            .count(&self.reader)
            .await
            .map_err(repository_error)?;
        run::Entity::find_by_id(run.uuid())
            .filter(run::Column::ConversationId.eq(conversation.uuid()))
            .one(&self.reader)
            .await
            .map_err(repository_error)?
            .filter(|_| owned == 1)
            .ok_or(RepositoryError::NotFound)
    }

    /// A run with its tool calls.
    pub(crate) async fn run(&self, id: Uuid) -> Result<Option<Run>, RepositoryError> {
        let row = run::Entity::find_by_id(id)
            .one(&self.reader)
            .await
            .map_err(repository_error)?;
        match row {
            Some(row) => {
                let calls = tool_call::of_run(&self.reader, row.id).await?;
                Ok(Some(to_run(row, calls)))
            }
            None => Ok(None),
        }
    }
}
