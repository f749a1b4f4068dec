//! The queries of [`Maintenance`].

use super::{
    Database,
    connection::count,
    entity::{conversation, task, task_counter},
    error::{corrupt, repository_error},
};
use async_trait::async_trait;
use chatkit_domain::{Connections, Erased, Maintenance, RepositoryError, UserId};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement, sea_query::Query,
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
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not close a database connection"
                );
            }
        }
        self.owner_locks.leave();
    }

    fn connections(&self) -> Connections {
        let readers = count(&self.reader);
        if self.backend == DbBackend::Postgres {
            return readers;
        }
        let writer = count(&self.writer);
        Connections {
            idle: readers.idle + writer.idle,
            busy: readers.busy + writer.busy,
            max: readers.max + writer.max,
        }
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
            // Check again, because a conversation may have been restored after the subquery.
            .filter(conversation::Column::DeletedAt.lt(before))
            .exec(&self.writer)
            .await
            .map_err(repository_error)?;
        Ok(purged.rows_affected)
    }

    async fn erase_user(&self, user_id: &UserId) -> Result<Erased, RepositoryError> {
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
        Ok(Erased {
            conversations: conversations.rows_affected,
            tasks: tasks.rows_affected,
        })
    }
}
