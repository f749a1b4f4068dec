//! How runs end: by their owner, or interrupted by somebody else. Everything here happens in the
//! transaction that ends one.

use chatkit_domain::{
    ConversationId, FinishRun, ItemContent, ItemDraft, ItemId, Message, MessageStatus,
    RepositoryError, RunEnd, RunError, RunErrorCode, RunId, last_event_number,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, Set,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Database,
    entity::{run, tool_call as tool_call_entity},
    error::repository_error,
    is_active,
    keep::put_missing,
    locked::LockedConversation,
    message::live_message,
    run_event::{Kept, kept},
    run_row::status_column,
    stored, tool_call,
};

impl Database {
    /// Closes a run whose lease is over, in its locked conversation.
    ///
    /// # Errors
    /// [`RepositoryError::RunLost`] when the lease was extended meanwhile.
    pub(crate) async fn interrupt(
        &self,
        transaction: &DatabaseTransaction,
        conversation: &mut LockedConversation<'_>,
        run_id: RunId,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let Kept {
            text,
            begun,
            said,
            last,
        } = kept(transaction, run_id).await?;
        let has_text = !text.trim().is_empty();
        let finish = FinishRun {
            end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
            answer: has_text.then_some((text, MessageStatus::Incomplete)),
            kept_answer: begun.last().map(|(id, _)| *id).or(said),
            note: None,
            usage: None,
            events: None,
            last_event: 0,
            now,
        };
        let finish = FinishRun {
            last_event: last_event_number(last, true, finish.has_answer()),
            ..finish
        };
        let is_over = Expr::col(run::Column::LeaseExpiresAt).lte(self.now());
        let mut row = end_run(transaction, run_id, is_over, &finish).await?;
        for (id, text) in begun {
            let (parts, status) = (None, MessageStatus::Incomplete);
            let content = ItemContent::Answer {
                text,
                parts,
                status,
            };
            // It may have been kept whole, and only that not told.
            put_missing(conversation, run_id, ItemDraft { id, content }, now).await?;
        }
        let answer = keep_answer(transaction, conversation, &mut row, &finish).await?;
        if row.has_tool_calls {
            let unknown = tool_call_entity::Status::Unknown;
            let answer = answer.map(|message| message.id);
            tool_call::settle(transaction, run_id, unknown, answer, now).await?;
        }
        Ok(())
    }
}

/// Appends the answer of a run that has ended, where it has one. Where it has none, what it took out
/// of the history is put back; also where it failed, whose half of an answer replaces no whole one.
pub(super) async fn keep_answer(
    transaction: &DatabaseTransaction,
    conversation: &mut LockedConversation<'_>,
    run: &mut run::Model,
    finish: &FinishRun,
) -> Result<Option<Message>, RepositoryError> {
    let id = RunId::new(run.id);
    let puts_back = match finish.end {
        RunEnd::Completed => false,
        RunEnd::Failed(_) => true,
        RunEnd::Cancelled => !finish.has_answer(),
    };
    if puts_back && conversation.put_back(run.user_message_id, id).await? {
        if run.assistant_message_id.take().is_some() {
            run::Entity::update_many()
                .col_expr(run::Column::AssistantMessageId, Expr::value(None::<Uuid>))
                .filter(run::Column::Id.eq(run.id))
                .exec(transaction)
                .await
                .map_err(repository_error)?;
        }
        return Ok(None);
    }
    match (&finish.answer, run.assistant_message_id) {
        (Some(answer), Some(id)) => conversation
            .append_answer(ItemId::new(id), run, answer.clone(), finish.now)
            .await
            .map(Some),
        (None, Some(id)) => {
            let place = ConversationId::new(run.conversation_id);
            let kept = live_message(transaction, place, ItemId::new(id)).await?;
            kept.map(Message::try_from).transpose()
        }
        (_, None) => Ok(None),
    }
}

/// Ends a run if this holds of it; otherwise it is lost.
pub(super) async fn end_run(
    transaction: &DatabaseTransaction,
    run_id: RunId,
    condition: SimpleExpr,
    finish: &FinishRun,
) -> Result<run::Model, RepositoryError> {
    let mut changes = run::ActiveModel {
        status: Set(status_column(finish.end.status())),
        ended_at: Set(Some(finish.now)),
        last_event: Set(stored(finish.last_event)),
        lease_owner: Set(None),
        lease_expires_at: Set(None),
        ..Default::default()
    };
    if finish.answer.is_none() {
        changes.assistant_message_id = Set(finish.kept_answer.map(ItemId::uuid));
    }
    if let RunEnd::Failed(error) = &finish.end {
        changes.error_code = Set(Some(error.code.as_str().to_owned()));
        changes.error_message = Set(Some(error.message.clone()));
    }
    if let Some(usage) = finish.usage {
        changes.input_tokens = Set(Some(stored(usage.input_tokens)));
        changes.output_tokens = Set(Some(stored(usage.output_tokens)));
        changes.usage_estimated = Set(Some(usage.estimated));
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
