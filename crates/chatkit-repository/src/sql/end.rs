//! Ends runs, on behalf of their owner or of another process. All functions here run in the
//! transaction that ends the run.

use chatkit_domain::{
    AnswerDraft, ConversationId, FinishRun, IncompleteReason, ItemContent, ItemId, ItemWrite,
    Message, RepositoryError, Role, RunEnd, RunError, RunErrorCode, RunId, ToolCallStatus,
    last_event_number,
};
use chatkit_protocol::OutputText;
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    Set,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Database,
    entity::{message, run},
    error::repository_error,
    is_active,
    items::put_partial_answer,
    locked::LockedConversation,
    removal::place_of,
    run_event::{RecoveredText, recovered_text},
    stored, tool_call,
};

impl Database {
    pub(super) async fn close_one_expired_run(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        let expired = || {
            run::Entity::find()
                .select_only()
                .column(run::Column::Id)
                .column(run::Column::ConversationId)
                .filter(is_active())
                .filter(Expr::col(run::Column::LeaseExpiresAt).lte(self.now()))
        };
        let found = expired()
            .into_tuple::<(Uuid, Uuid)>()
            .one(&self.reader)
            .await
            .map_err(repository_error)?;
        let Some((run_id, conversation_id)) = found else {
            return Ok(None);
        };
        let transaction = self.write().await?;
        let conversation =
            LockedConversation::any(&transaction, ConversationId::new(conversation_id)).await?;
        let still_expired = expired()
            .filter(run::Column::Id.eq(run_id))
            .lock_exclusive()
            .into_tuple::<(Uuid, Uuid)>()
            .one(&transaction)
            .await
            .map_err(repository_error)?;
        let (Some(mut conversation), Some(_)) = (conversation, still_expired) else {
            return Ok(None);
        };
        self.interrupt(&transaction, &mut conversation, RunId::new(run_id), now)
            .await?;
        conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(Some(RunId::new(run_id)))
    }

    /// Closes a run whose lease has expired, in its locked conversation.
    ///
    /// # Errors
    /// [`RepositoryError::RunLost`] if the owner extended the lease in the meantime.
    pub(crate) async fn interrupt(
        &self,
        transaction: &DatabaseTransaction,
        conversation: &mut LockedConversation<'_>,
        run_id: RunId,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let run = run::Entity::find_by_id(run_id.uuid())
            .one(transaction)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::RunLost)?;
        let RecoveredText {
            text,
            reasoning,
            partial_answers,
            last,
        } = recovered_text(transaction, run_id).await?;
        let incomplete_reason = Some(IncompleteReason::Interrupted);
        let has_text = !text.trim().is_empty();
        let stored_answer = last_answer(transaction, &run).await?;
        let emits_answer = has_text || !partial_answers.is_empty() || stored_answer.is_some();
        let write = |(id, text): (ItemId, String)| {
            let content = ItemContent::Answer {
                parts: vec![OutputText::new(text)],
                incomplete_reason,
            };
            ItemWrite { id, content }
        };
        let end = RunEnd::Failed(RunError::new(RunErrorCode::Interrupted));
        let finish = FinishRun {
            answer: has_text.then_some(AnswerDraft {
                text,
                incomplete_reason,
                reasoning: reasoning.into_text(),
            }),
            partial_answers: Some(partial_answers.into_iter().map(write).collect()),
            last_event: last_event_number(last, true, emits_answer),
            ..FinishRun::new(end, now)
        };
        let is_over = Expr::col(run::Column::LeaseExpiresAt).lte(self.now());
        let mut row = end_run(transaction, run_id, is_over, &finish).await?;
        let ending = store_answer(transaction, conversation, &mut row, &finish).await?;
        if row.has_tool_calls {
            let unknown = ToolCallStatus::Unknown;
            let answer = ending.answer.map(|message| message.id);
            tool_call::settle(transaction, run_id, unknown, answer, now).await?;
        }
        Ok(())
    }
}

/// The history after the end of a run.
#[derive(Debug, Default)]
pub(super) struct RunEnding {
    /// The answer of the run, if there is one.
    pub(super) answer: Option<Message>,
    /// Whether the items that the run removed were restored. The items of the run were removed
    /// then.
    pub(super) is_restored: bool,
}

/// Stores the answer of an ended run. If the run failed, or was stopped without an answer, restores
/// the items that it removed instead: a partial answer never replaces a complete one.
pub(super) async fn store_answer(
    transaction: &DatabaseTransaction,
    conversation: &mut LockedConversation<'_>,
    run: &mut run::Model,
    finish: &FinishRun,
) -> Result<RunEnding, RepositoryError> {
    let (id, now) = (RunId::new(run.id), finish.now);
    for write in finish.partial_answers.iter().flatten() {
        put_partial_answer(conversation, id, write.clone(), now).await?;
    }
    let stored_answer = match finish.partial_answers {
        Some(_) => last_answer(transaction, run).await?,
        None => None,
    };
    let has_answer = finish.answer.is_some() || stored_answer.is_some();
    let may_restore = match finish.end {
        RunEnd::Completed => false,
        RunEnd::Failed(_) => true,
        RunEnd::Cancelled => !has_answer,
    };
    let is_restored = may_restore
        && conversation
            .restore_removed(run.user_message_id, id, has_answer, now)
            .await?;
    let answer = if is_restored {
        None
    } else if let (Some(answer), Some(id)) = (&finish.answer, run.assistant_message_id) {
        let id = ItemId::new(id);
        let answer = conversation.append_answer(id, run, answer.clone(), now);
        Some(answer.await?)
    } else {
        mark_tool_calls(transaction, run, stored_answer.as_ref()).await?;
        stored_answer.map(Message::try_from).transpose()?
    };
    let answer_id = answer.as_ref().map(|message| message.id.uuid());
    if run.assistant_message_id != answer_id {
        run.assistant_message_id = answer_id;
        run::Entity::update_many()
            .col_expr(run::Column::AssistantMessageId, Expr::value(answer_id))
            .filter(run::Column::Id.eq(run.id))
            .exec(transaction)
            .await
            .map_err(repository_error)?;
    }
    Ok(RunEnding {
        answer,
        is_restored,
    })
}

/// Returns the last answer of a run that is still in the history, after the message that it
/// answers.
async fn last_answer(
    transaction: &DatabaseTransaction,
    run: &run::Model,
) -> Result<Option<message::Model>, RepositoryError> {
    let Some(answered) = place_of(transaction, run.user_message_id).await? else {
        return Ok(None);
    };
    message::select()
        .filter(message::Column::ConversationId.eq(run.conversation_id))
        .filter(message::Column::SequenceNumber.gt(answered))
        .filter(message::Column::RunId.eq(run.id))
        .filter(message::Column::Role.eq(Role::Assistant.as_str()))
        .filter(message::Column::RemovedAt.is_null())
        .order_by_desc(message::Column::SequenceNumber)
        .limit(1)
        .one(transaction)
        .await
        .map_err(repository_error)
}

/// Marks the answer as one that shows tool calls, if its run has any.
async fn mark_tool_calls(
    transaction: &DatabaseTransaction,
    run: &run::Model,
    answer: Option<&message::Model>,
) -> Result<(), RepositoryError> {
    if let Some(answer) = answer.filter(|_| run.has_tool_calls) {
        message::Entity::update_many()
            .col_expr(message::Column::HasToolCalls, Expr::value(true))
            .filter(message::Column::Id.eq(answer.id))
            .exec(transaction)
            .await
            .map_err(repository_error)?;
    }
    Ok(())
}

/// Marks the user message that a run answered as refused by the model's filter.
pub(super) async fn withhold(
    transaction: &DatabaseTransaction,
    user_message: Option<Uuid>,
) -> Result<(), RepositoryError> {
    message::Entity::update_many()
        .col_expr(message::Column::IsWithheld, Expr::value(true))
        .filter(message::Column::Id.eq(user_message))
        .exec(transaction)
        .await
        .map_err(repository_error)?;
    Ok(())
}

/// Ends a run if it is active and meets the condition.
///
/// # Errors
/// [`RepositoryError::RunLost`] otherwise.
pub(super) async fn end_run(
    transaction: &DatabaseTransaction,
    run_id: RunId,
    condition: SimpleExpr,
    finish: &FinishRun,
) -> Result<run::Model, RepositoryError> {
    let mut changes = run::ActiveModel {
        status: Set(finish.end.status().as_str().to_owned()),
        ended_at: Set(Some(finish.now)),
        last_event: Set(stored(finish.last_event)),
        lease_owner: Set(None),
        lease_expires_at: Set(None),
        ..Default::default()
    };
    if !finish.may_have_answer() {
        changes.assistant_message_id = Set(None);
    }
    if let RunEnd::Failed(error) = &finish.end {
        changes.error_code = Set(Some(error.code.as_str().to_owned()));
        changes.error_message = Set(Some(error.message.clone()));
    }
    if let Some(usage) = finish.usage {
        changes.input_tokens = Set(Some(stored(usage.input_tokens)));
        changes.output_tokens = Set(Some(stored(usage.output_tokens)));
        changes.cached_tokens = Set(usage.cached_tokens.map(stored));
        changes.usage_estimated = Set(Some(usage.estimated));
    }
    if let Some(start) = finish.window_start {
        changes.window_start = Set(Some(stored(start)));
    }
    let rows = run::Entity::update_many()
        .set(changes)
        .filter(run::Column::Id.eq(run_id.uuid()))
        .filter(is_active())
        .filter(condition)
        .exec_with_returning(transaction)
        .await
        .map_err(repository_error)?;
    rows.into_iter().next().ok_or(RepositoryError::RunLost)
}
