//! The steps that start a run. All functions here run in the transaction that starts it.

use chatkit_domain::{
    Caller, ConversationId, EarlierMessage, Idempotency, ItemId, Message, MessageStatus,
    NewConversation, RepositoryError, Resource, Role, RunId, RunInput, RunStatus, StartRun,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait, ExprTrait, IntoActiveModel, Iterable, QueryFilter, QuerySelect, SqlErr,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::{
    Database, conversation,
    entity::{conversation as conversation_entity, message as message_entity, run},
    error::repository_error,
    is_active,
    locked::LockedConversation,
    message::live_message,
};

/// The active runs of a caller.
#[derive(Debug, Default)]
pub(crate) struct ActiveRuns {
    /// The number of runs whose lease has not expired.
    pub(crate) count: u32,
    /// The run in the conversation, if its lease has not expired.
    pub(crate) here: Option<RunId>,
    /// The run in the conversation, if its lease has expired.
    pub(crate) expired_here: Option<RunId>,
}

impl Database {
    /// Finds the caller's active runs. The conversation must belong to the caller and be locked, so
    /// its run cannot change in the meantime.
    pub(crate) async fn active_runs(
        &self,
        transaction: &DatabaseTransaction,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<ActiveRuns, RepositoryError> {
        let rows: Vec<(Uuid, Uuid, bool)> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .column(run::Column::ConversationId)
            .column_as(
                Expr::col(run::Column::LeaseExpiresAt).lte(self.now()),
                "expired",
            )
            .filter(run::Column::UserId.eq(caller.user_id().as_str()))
            .filter(is_active())
            .into_tuple()
            .all(transaction)
            .await
            .map_err(repository_error)?;
        let mut active = ActiveRuns::default();
        for (id, place, expired) in rows {
            let is_here = place == conversation.uuid();
            match (is_here, expired) {
                (true, true) => active.expired_here = Some(RunId::new(id)),
                (true, false) => active.here = Some(RunId::new(id)),
                (false, _) => {}
            }
            active.count += u32::from(!expired);
        }
        Ok(active)
    }

    pub(crate) async fn insert_run(
        &self,
        transaction: &DatabaseTransaction,
        caller: &Caller,
        start: &StartRun,
        user_message: ItemId,
    ) -> Result<run::Model, RepositoryError> {
        let idempotency = start.idempotency.clone();
        let row = run::Model {
            id: start.id.uuid(),
            conversation_id: start.target.conversation_id().uuid(),
            user_id: caller.user_id().as_str().to_owned(),
            dialect: start.dialect.as_str().to_owned(),
            status: RunStatus::Running.as_str().to_owned(),
            model: Some(start.model.clone()),
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            usage_estimated: None,
            error_code: None,
            error_message: None,
            fingerprint: idempotency.as_ref().map(|key| key.fingerprint.clone()),
            idempotency_key: idempotency.map(|key| key.key),
            user_message_id: Some(user_message.uuid()),
            assistant_message_id: Some(start.assistant_message_id.uuid()),
            state: None,
            window_start: None,
            has_tool_calls: false,
            last_event: 0,
            lease_owner: Some(start.owner.id),
            lease_expires_at: None,
            cancel_requested: false,
            created_at: start.now,
            started_at: Some(start.now),
            ended_at: None,
        };
        let columns = row.clone().into_active_model();
        // The database's clock determines when the lease expires.
        let values = run::Column::iter().map(|column| match (column, columns.get(column)) {
            (run::Column::LeaseExpiresAt, _) => self.in_future(start.owner.lease),
            (_, ActiveValue::Set(value) | ActiveValue::Unchanged(value)) => Expr::value(value),
            (_, ActiveValue::NotSet) => Expr::null(),
        });
        let insert = Query::insert()
            .into_table(run::Entity)
            .columns(run::Column::iter())
            .values_panic(values)
            .to_owned();
        transaction
            .execute(&insert)
            .await
            .map_err(|error| match error.sql_err() {
                // A request with the same key started a run in another conversation at the same
                // moment.
                Some(SqlErr::UniqueConstraintViolation(_)) if row.idempotency_key.is_some() => {
                    RepositoryError::KeyReused
                }
                _ => repository_error(error),
            })?;
        Ok(row)
    }
}

pub(crate) async fn insert_conversation<'a>(
    transaction: &'a DatabaseTransaction,
    caller: &Caller,
    id: ConversationId,
    earlier: &[EarlierMessage],
    start: &StartRun,
) -> Result<LockedConversation<'a>, RepositoryError> {
    let (title, now) = (None, start.now);
    let row = conversation::new_row(caller, NewConversation { id, title, now });
    conversation_entity::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(transaction)
        .await
        .map_err(repository_error)?;
    let mut conversation = LockedConversation::created(transaction, row);
    for message in earlier {
        if start.names_conversation && message.role == Role::User {
            conversation.name_after(&message.content);
        }
        conversation.append_earlier(message.clone(), now).await?;
    }
    Ok(conversation)
}

/// The state of the caller's idempotency key.
pub(crate) enum KeyLookup {
    /// No run has the key, or the request has none.
    Nothing,
    /// The run with this key failed and gave it up. Its message is answered again.
    Failed(ItemId),
    /// The run with this key is active or did not fail. It also stays known if the conversation has
    /// continued.
    Run(Box<run::Model>),
}

pub(crate) async fn known_run(
    transaction: &DatabaseTransaction,
    caller: &Caller,
    start: &StartRun,
) -> Result<KeyLookup, RepositoryError> {
    let Some(Idempotency { key, fingerprint }) = &start.idempotency else {
        return Ok(KeyLookup::Nothing);
    };
    let known = run::Entity::find()
        .filter(run::Column::UserId.eq(caller.user_id().as_str()))
        .filter(run::Column::IdempotencyKey.eq(key))
        .filter(Expr::cust("idempotency_key IS NOT NULL"))
        .one(transaction)
        .await
        .map_err(repository_error)?;
    let Some(known) = known else {
        return Ok(KeyLookup::Nothing);
    };
    if known.fingerprint.as_deref() != Some(fingerprint) {
        return Err(RepositoryError::KeyReused);
    }
    if known.status != RunStatus::Failed.as_str() {
        return Ok(KeyLookup::Run(Box::new(known)));
    }
    let conversation = start.target.conversation_id();
    let answered = match known.user_message_id {
        Some(id) => live_message(transaction, conversation, ItemId::new(id)).await?,
        None => None,
    };
    // If the conversation has continued, another answer would remove the later messages.
    let Some(answered) = answered else {
        return Ok(KeyLookup::Run(Box::new(known)));
    };
    if has_later_message(transaction, &answered, known.id).await? {
        return Ok(KeyLookup::Run(Box::new(known)));
    }
    run::Entity::update_many()
        .col_expr(run::Column::IdempotencyKey, Expr::value(None::<String>))
        .filter(run::Column::Id.eq(known.id))
        .exec(transaction)
        .await
        .map_err(repository_error)?;
    Ok(KeyLookup::Failed(ItemId::new(answered.id)))
}

/// Whether the conversation continued after a message. Incomplete answers of failed runs to this
/// message do not count.
async fn has_later_message(
    transaction: &DatabaseTransaction,
    answered: &message_entity::Model,
    run_id: Uuid,
) -> Result<bool, RepositoryError> {
    // `NOT IN` is never true for NULL, so the query treats messages without a run as complete.
    let attempts = Query::select()
        .column(run::Column::Id)
        .from(run::Entity)
        .and_where(run::Column::UserMessageId.eq(answered.id))
        // A literal, because a parameter would not match the partial index.
        .and_where(Expr::cust("status = 'failed'"))
        .to_owned();
    let later = message_entity::select()
        .filter(message_entity::Column::ConversationId.eq(answered.conversation_id))
        .filter(message_entity::Column::SequenceNumber.gt(answered.sequence_number))
        .filter(message_entity::Column::Kind.eq(message_entity::MESSAGE))
        .filter(message_entity::Column::RemovedAt.is_null())
        .filter(
            Condition::any()
                .add(message_entity::Column::RunId.is_null())
                .add(message_entity::Column::RunId.ne(run_id)),
        )
        .filter(
            Condition::any()
                .add(message_entity::Column::Status.eq(MessageStatus::Completed.as_str()))
                .add(message_entity::Column::RunId.not_in_subquery(attempts)),
        )
        .one(transaction)
        .await
        .map_err(repository_error)?;
    Ok(later.is_some())
}

/// Stores the new message, or removes everything after the existing one.
pub(crate) async fn take_input(
    transaction: &DatabaseTransaction,
    conversation: &mut LockedConversation<'_>,
    start: &StartRun,
    input: RunInput,
) -> Result<Message, RepositoryError> {
    match input {
        RunInput::Message { id, text, details } => {
            if start.names_conversation {
                conversation.name_after(text.as_str());
            }
            conversation
                .append_user_message(id, start.id, (text.into(), details), start.now)
                .await
        }
        RunInput::Regenerate(id) => {
            let answered = live_message(transaction, start.target.conversation_id(), id)
                .await?
                .ok_or(RepositoryError::NotFound(Resource::Message))?;
            if answered.role.as_deref() != Some(Role::User.as_str()) {
                return Err(RepositoryError::WrongMessage);
            }
            let sequence = answered.sequence_number;
            conversation
                .remove_after(sequence, start.id, start.now)
                .await?;
            answered.try_into()
        }
    }
}
