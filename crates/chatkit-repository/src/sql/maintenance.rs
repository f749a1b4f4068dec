//! The queries of [`Maintenance`].

use async_trait::async_trait;
use chatkit_domain::{
    Connections, ConversationId, EventCursor, Maintenance, RepositoryError, RunId, RunNews, UserId,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    Statement,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::{
    Database,
    entity::{conversation, run, task, task_counter},
    error::{corrupt, repository_error},
    is_active,
    locked::LockedConversation,
};

#[async_trait]
impl Maintenance for Database {
    async fn check(&self) -> Result<(), RepositoryError> {
        let statement = Statement::from_sql_and_values(
            self.backend,
            "SELECT 1 FROM seaql_migrations WHERE version = $1",
            [self.schema.clone().into()],
        );
        self.reader
            .query_one_raw(statement)
            .await
            .map_err(repository_error)?
            .map(|_| ())
            .ok_or_else(|| corrupt("the schema is not migrated"))
    }

    async fn close(&self) {
        for connection in [&self.reader, &self.writer] {
            if let Err(error) = connection.close_by_ref().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not close");
            }
        }
        self.living.leave();
    }

    fn connections(&self) -> Connections {
        if self.backend == DbBackend::Postgres {
            return of_pool(self.reader.get_postgres_connection_pool());
        }
        let readers = of_pool(self.reader.get_sqlite_connection_pool());
        let writer = of_pool(self.writer.get_sqlite_connection_pool());
        Connections {
            idle: readers.idle + writer.idle,
            busy: readers.busy + writer.busy,
            max: readers.max + writer.max,
        }
    }

    async fn close_expired_run(
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

    async fn news(&self, cursors: &[EventCursor]) -> Result<Vec<RunNews>, RepositoryError> {
        self.news_of(cursors).await
    }

    async fn sweep_events(&self, before: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.sweep_run_events(before).await
    }

    async fn purge_deleted(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError> {
        let oldest = Query::select()
            .column(conversation::Column::Id)
            .from(conversation::Entity)
            .and_where(conversation::Column::DeletedAt.lt(before))
            .limit(u64::from(limit))
            .to_owned();
        let purged = conversation::Entity::delete_many()
            .filter(conversation::Column::Id.in_subquery(oldest))
            // Asked again, as one may be restored between the two.
            .filter(conversation::Column::DeletedAt.lt(before))
            .exec(&self.writer)
            .await
            .map_err(repository_error)?;
        Ok(purged.rows_affected)
    }

    async fn erase_user(&self, user_id: &UserId) -> Result<(u64, u64), RepositoryError> {
        let transaction = self.write().await?;
        let conversations = conversation::Entity::delete_many()
            .filter(conversation::Column::UserId.eq(user_id.as_str()))
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        let tasks = task::Entity::delete_many()
            .filter(task::Column::UserId.eq(user_id.as_str()))
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        task_counter::Entity::delete_by_id(user_id.as_str())
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        Ok((conversations.rows_affected, tasks.rows_affected))
    }
}

fn of_pool<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> Connections {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    Connections {
        idle,
        busy: pool.size().saturating_sub(idle),
        max: pool.options().get_max_connections(),
    }
}
