//! Removes later items when a message is answered again, and restores them.

use chatkit_domain::{RepositoryError, RunId};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{entity::message, error::repository_error, locked::LockedConversation};

impl LockedConversation<'_> {
    /// Removes all items after a user message from the history and records the run as the reason.
    pub(crate) async fn remove_after(
        &mut self,
        sequence: i64,
        run_id: RunId,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let removed = message::Entity::update_many()
            .col_expr(message::Column::RemovedAt, Expr::value(now))
            .col_expr(message::Column::RemovedBy, Expr::value(run_id.uuid()))
            .filter(message::Column::ConversationId.eq(self.row.id))
            .filter(message::Column::SequenceNumber.gt(sequence))
            .filter(message::Column::RemovedAt.is_null())
            .exec_with_returning(self.transaction)
            .await
            .map_err(repository_error)?;
        self.row.message_count -= messages_among(&removed);
        Ok(())
    }

    /// Restores the items that the run removed after the message that it answers, and removes the
    /// items that the run wrote. If the run has an answer, it does so only if a message was
    /// removed. Returns whether anything was restored.
    pub(crate) async fn restore_removed(
        &mut self,
        user_message_id: Option<Uuid>,
        run_id: RunId,
        has_answer: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        let answered = place_of(self.transaction, user_message_id).await?;
        let Some(answered) = answered.filter(|sequence| *sequence < self.row.last_sequence) else {
            return Ok(false);
        };
        let removed = || {
            Condition::all()
                .add(message::Column::ConversationId.eq(self.row.id))
                .add(message::Column::SequenceNumber.gt(answered))
                .add(message::Column::RemovedBy.eq(run_id.uuid()))
        };
        if has_answer {
            let messages = message::Entity::find()
                .filter(removed())
                .filter(message::Column::Kind.eq(message::MESSAGE))
                .count(self.transaction)
                .await
                .map_err(repository_error)?;
            if messages == 0 {
                return Ok(false);
            }
        }
        let restored = message::Entity::update_many()
            .col_expr(
                message::Column::RemovedAt,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(message::Column::RemovedBy, Expr::value(None::<Uuid>))
            .filter(removed())
            .exec_with_returning(self.transaction)
            .await
            .map_err(repository_error)?;
        if restored.is_empty() {
            return Ok(false);
        }
        let own = message::Entity::update_many()
            .col_expr(message::Column::RemovedAt, Expr::value(now))
            .filter(message::Column::ConversationId.eq(self.row.id))
            .filter(message::Column::SequenceNumber.gt(answered))
            .filter(message::Column::RunId.eq(run_id.uuid()))
            .filter(message::Column::RemovedAt.is_null())
            .exec_with_returning(self.transaction)
            .await
            .map_err(repository_error)?;
        self.row.message_count += messages_among(&restored) - messages_among(&own);
        Ok(true)
    }
}

/// Returns the sequence number of the message that a run answers.
pub(super) async fn place_of(
    transaction: &DatabaseTransaction,
    user_message: Option<Uuid>,
) -> Result<Option<i64>, RepositoryError> {
    let Some(id) = user_message else {
        return Ok(None);
    };
    message::Entity::find_by_id(id)
        .select_only()
        .column(message::Column::SequenceNumber)
        .into_tuple()
        .one(transaction)
        .await
        .map_err(repository_error)
}

fn messages_among(rows: &[message::Model]) -> i64 {
    let messages = rows.iter().filter(|row| row.is_message()).count();
    i64::try_from(messages).unwrap_or(i64::MAX)
}
