//! The queries of [`RunRepository`]. They lock the conversation first and then the run.

use async_trait::async_trait;
use chatkit_domain::{
    Caller, ConversationId, EventPage, ItemId, Message, RepositoryError, Resource, Run, RunId,
    RunInput, RunOutcome, RunRepository, RunTarget, StartRun, Started, StartedRun, ToolCall,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};
use uuid::Uuid;

use super::{
    Database,
    entity::run,
    error::repository_error,
    is_active,
    locked::{LockedConversation, of_caller},
    message::stored_message,
    run_row::to_run,
    start::{KeyLookup, insert_conversation, known_run, take_input},
    tool_call,
};

#[async_trait]
impl RunRepository for Database {
    async fn start(&self, caller: &Caller, start: StartRun) -> Result<Started, RepositoryError> {
        let _alone = self.start_alone(caller).await?;
        let transaction = self.write().await?;
        let mut conversation = match &start.target {
            RunTarget::New { id, earlier } => {
                insert_conversation(&transaction, caller, *id, earlier, &start).await?
            }
            RunTarget::Existing(id) => {
                let missing = match start.input {
                    RunInput::Message { .. } => Resource::Conversation,
                    RunInput::Regenerate(_) => Resource::Message,
                };
                LockedConversation::of_caller(&transaction, caller, *id, missing).await?
            }
        };
        let active = self
            .active_runs(&transaction, caller, start.target.conversation_id())
            .await?;
        if let Some(run_id) = active.expired_here {
            match self
                .interrupt(&transaction, &mut conversation, run_id, start.now)
                .await
            {
                // The owner extended the lease in the meantime, so it is alive.
                Err(RepositoryError::RunLost) => {
                    return Err(RepositoryError::RunActive { run_id });
                }
                result => result?,
            }
        }
        let input = match known_run(&transaction, caller, &start).await? {
            KeyLookup::Nothing => start.input.clone(),
            KeyLookup::Failed(user_message) => RunInput::Regenerate(user_message),
            KeyLookup::Run(run) => {
                let calls = tool_call::of_run(&transaction, run.id).await?;
                if active.expired_here.is_some() {
                    conversation.save().await?;
                    transaction.commit().await.map_err(repository_error)?;
                }
                return Ok(Started::Known(Box::new(to_run(*run, calls)?)));
            }
        };
        if let Some(run_id) = active.here {
            return Err(RepositoryError::RunActive { run_id });
        }
        if active.count >= start.max_runs_per_user {
            return Err(RepositoryError::TooManyRuns);
        }
        let is_repeated = matches!(input, RunInput::Regenerate(_));
        let user_message = take_input(&transaction, &mut conversation, &start, input).await?;
        let run = self
            .insert_run(&transaction, caller, &start, user_message.id)
            .await?;
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(Started::New(Box::new(StartedRun {
            run: to_run(run, Vec::new())?,
            user_message,
            is_repeated,
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
        to_run(row, calls)
    }

    async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError> {
        let transaction = self.write().await?;
        // Holds the lock so that the run cannot end in the meantime. The revision does not grow,
        // because readers see no change yet.
        let _locked =
            LockedConversation::of_caller(&transaction, caller, conversation, Resource::Run)
                .await?;
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
        calls.into_iter().map(ToolCall::try_from).collect()
    }

    async fn outcome(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<RunOutcome, RepositoryError> {
        let run = self.get(caller, conversation, run).await?;
        let message = async |id: Option<ItemId>| match id {
            // The outcome of a run does not change when its message is answered again.
            Some(id) => stored_message(&self.reader, conversation, id).await,
            None => Ok(None),
        };
        let user_message = message(run.user_message_id)
            .await?
            .ok_or(RepositoryError::NotFound(Resource::Run))?
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

impl Database {
    /// Returns the row of a run in a conversation of the caller that is not deleted.
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
            .ok_or(RepositoryError::NotFound(Resource::Run))
    }

    /// Returns a run with its tool calls.
    pub(crate) async fn run(&self, id: Uuid) -> Result<Option<Run>, RepositoryError> {
        let row = run::Entity::find_by_id(id)
            .one(&self.reader)
            .await
            .map_err(repository_error)?;
        match row {
            Some(row) => {
                let calls = tool_call::of_run(&self.reader, row.id).await?;
                to_run(row, calls).map(Some)
            }
            None => Ok(None),
        }
    }
}
