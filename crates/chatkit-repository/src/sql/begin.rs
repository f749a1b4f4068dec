//! What beginning a run asks and writes, besides the run itself. Everything here happens in the
//! transaction that begins it.

use chatkit_domain::{
    BeginRun, Caller, ConversationId, EarlierMessage, Idempotency, ItemId, Message,
    NewConversation, RepositoryError, RunInput,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
};

use super::{
    conversation,
    entity::{conversation as conversation_entity, message as message_entity, run},
    error::repository_error,
    locked::LockedConversation,
    message::live_message,
    message_row::MessageRow,
};

pub(crate) async fn insert_conversation<'a>(
    transaction: &'a DatabaseTransaction,
    caller: &Caller,
    id: ConversationId,
    earlier: &[EarlierMessage],
    now: DateTime<Utc>,
) -> Result<LockedConversation<'a>, RepositoryError> {
    let title = None;
    let row = conversation::new_row(caller, NewConversation { id, title, now });
    conversation_entity::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(transaction)
        .await
        .map_err(repository_error)?;
    let mut conversation = LockedConversation::created(transaction, row);
    for message in earlier {
        conversation.append_earlier(message.clone(), now).await?;
    }
    Ok(conversation)
}

/// What the caller's idempotency key stands for.
pub(crate) enum KeyMeets {
    /// Nothing yet, or there is no key.
    Nothing,
    /// A run that failed, and gave the key up: its message is answered again.
    Failed(ItemId),
    /// A run that is active, or has ended well.
    Run(Box<run::Model>),
}

pub(crate) async fn known_run(
    transaction: &DatabaseTransaction,
    caller: &Caller,
    begin: &BeginRun,
) -> Result<KeyMeets, RepositoryError> {
    let Some(Idempotency { key, fingerprint }) = &begin.idempotency else {
        return Ok(KeyMeets::Nothing);
    };
    let known = run::Entity::find()
        .filter(run::Column::UserId.eq(caller.user_id().as_str()))
        .filter(run::Column::IdempotencyKey.eq(key))
        .filter(Expr::cust("idempotency_key IS NOT NULL"))
        .one(transaction)
        .await
        .map_err(repository_error)?;
    let Some(known) = known else {
        return Ok(KeyMeets::Nothing);
    };
    if known.fingerprint.as_deref() != Some(fingerprint) {
        return Err(RepositoryError::KeyReused);
    }
    if known.status != run::Status::Failed {
        return Ok(KeyMeets::Run(Box::new(known)));
    }
    let conversation = begin.target.conversation_id();
    let answered = match known.user_message_id {
        Some(id) => live_message(transaction, conversation, ItemId::new(id)).await?,
        None => None,
    };
    // Once somebody has gone on, answering again would take that out of the history.
    let Some(answered) = answered else {
        return Ok(KeyMeets::Run(Box::new(known)));
    };
    if has_later_message(transaction, &answered).await? {
        return Ok(KeyMeets::Run(Box::new(known)));
    }
    run::Entity::update_many()
        .col_expr(run::Column::IdempotencyKey, Expr::value(None::<String>))
        .filter(run::Column::Id.eq(known.id))
        .exec(transaction)
        .await
        .map_err(repository_error)?;
    Ok(KeyMeets::Failed(ItemId::new(answered.id)))
}

async fn has_later_message(
    transaction: &DatabaseTransaction,
    answered: &MessageRow,
) -> Result<bool, RepositoryError> {
    let later = message_entity::Entity::find()
        .filter(message_entity::Column::ConversationId.eq(answered.conversation_id))
        .filter(message_entity::Column::SequenceNumber.gt(answered.sequence_number))
        .filter(message_entity::Column::Kind.eq(message_entity::Kind::Message))
        .filter(message_entity::Column::RemovedAt.is_null())
        .one(transaction)
        .await
        .map_err(repository_error)?;
    Ok(later.is_some())
}

/// Stores the message to answer, or makes the one that is stored the last of the history.
pub(crate) async fn take_input(
    transaction: &DatabaseTransaction,
    conversation: &mut LockedConversation<'_>,
    begin: &BeginRun,
    input: RunInput,
) -> Result<Message, RepositoryError> {
    match input {
        RunInput::Message { id, text } => {
            conversation
                .append_user_message(id, begin.id, text.into(), begin.now)
                .await
        }
        RunInput::Again(id) => {
            let answered = live_message(transaction, begin.target.conversation_id(), id)
                .await?
                .ok_or(RepositoryError::NotFound)?;
            if answered.role != Some(message_entity::Role::User) {
                return Err(RepositoryError::WrongMessage);
            }
            let sequence = answered.sequence_number;
            conversation
                .remove_after(sequence, begin.id, begin.now)
                .await?;
            answered.try_into()
        }
    }
}
