//! How runs end: by their owner, or interrupted by somebody else. Everything here happens in the
//! transaction that ends one.

use chatkit_domain::{
    AnswerDraft, FinishRun, IncompleteReason, ItemContent, ItemDraft, ItemId, Message,
    RepositoryError, RunEnd, RunError, RunErrorCode, RunId, last_event_number,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    Set,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Database,
    entity::{message, run, tool_call as tool_call_entity},
    error::repository_error,
    is_active,
    keep::put_begun,
    locked::{LockedConversation, place_of},
    message_row::MessageRow,
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
        let run = run::Entity::find_by_id(run_id.uuid())
            .one(transaction)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::RunLost)?;
        let Kept {
            text,
            reasoning,
            begun,
            last,
        } = kept(transaction, run_id).await?;
        let incomplete_reason = Some(IncompleteReason::Interrupted);
        let has_text = !text.trim().is_empty();
        let has_said = last_answer(transaction, &run).await?.is_some();
        let has_answer = has_text || has_said || !begun.is_empty();
        let draft = |(id, text)| {
            let content = ItemContent::Answer {
                text,
                parts: None,
                incomplete_reason,
            };
            ItemDraft { id, content }
        };
        let finish = FinishRun {
            end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
            answer: has_text.then_some(AnswerDraft {
                text,
                incomplete_reason,
                reasoning: reasoning.into_text(),
            }),
            begun: Some(begun.into_iter().map(draft).collect()),
            note: None,
            usage: None,
            window_start: None,
            withholds_message: false,
            events: None,
            last_event: last_event_number(last, true, has_answer),
            now,
        };
        let is_over = Expr::col(run::Column::LeaseExpiresAt).lte(self.now());
        let mut row = end_run(transaction, run_id, is_over, &finish).await?;
        let left = keep_answer(transaction, conversation, &mut row, &finish).await?;
        if row.has_tool_calls {
            let unknown = tool_call_entity::Status::Unknown;
            let answer = left.answer.map(|message| message.id);
            tool_call::settle(transaction, run_id, unknown, answer, now).await?;
        }
        Ok(())
    }
}

/// What a run that has ended leaves in the history.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Its answer, where it has one.
    pub(super) answer: Option<Message>,
    /// Whether what it took out stands there again, in the place of all that it wrote.
    pub(super) is_put_back: bool,
}

/// Keeps the answer of a run that has ended. One that failed, or was stopped without an answer, leaves
/// what it took out of the history instead: half of an answer replaces no whole one.
pub(super) async fn keep_answer(
    transaction: &DatabaseTransaction,
    conversation: &mut LockedConversation<'_>,
    run: &mut run::Model,
    finish: &FinishRun,
) -> Result<Left, RepositoryError> {
    let (id, now) = (RunId::new(run.id), finish.now);
    for draft in finish.begun.iter().flatten() {
        put_begun(conversation, id, draft.clone(), now).await?;
    }
    let said = match finish.begun {
        Some(_) => last_answer(transaction, run).await?,
        None => None,
    };
    let has_answer = finish.answer.is_some() || said.is_some();
    let may_put_back = match finish.end {
        RunEnd::Completed => false,
        RunEnd::Failed(_) => true,
        RunEnd::Cancelled => !has_answer,
    };
    let is_put_back = may_put_back
        && conversation
            .put_back(run.user_message_id, id, has_answer, now)
            .await?;
    let answer = if is_put_back {
        None
    } else if let (Some(answer), Some(id)) = (&finish.answer, run.assistant_message_id) {
        let id = ItemId::new(id);
        let answer = conversation.append_answer(id, run, answer.clone(), now);
        Some(answer.await?)
    } else {
        note_tool_calls(transaction, run, said.as_ref()).await?;
        said.map(Message::try_from).transpose()?
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
    Ok(Left {
        answer,
        is_put_back,
    })
}

/// The last of a run's answers that stand in the history, which is behind the message it answers.
async fn last_answer(
    transaction: &DatabaseTransaction,
    run: &run::Model,
) -> Result<Option<MessageRow>, RepositoryError> {
    let Some(answered) = place_of(transaction, run.user_message_id).await? else {
        return Ok(None);
    };
    message::Entity::find()
        .filter(message::Column::ConversationId.eq(run.conversation_id))
        .filter(message::Column::SequenceNumber.gt(answered))
        .filter(message::Column::RunId.eq(run.id))
        .filter(message::Column::Role.eq(message::Role::Assistant))
        .filter(message::Column::RemovedAt.is_null())
        .order_by_desc(message::Column::SequenceNumber)
        .limit(1)
        .into_partial_model::<MessageRow>()
        .one(transaction)
        .await
        .map_err(repository_error)
}

/// From now on a run's tool calls are looked for with its answer.
async fn note_tool_calls(
    transaction: &DatabaseTransaction,
    run: &run::Model,
    answer: Option<&MessageRow>,
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
