//! The queries of [`TaskRepository`].

use async_trait::async_trait;
use chatkit_domain::{
    Caller, RepositoryError, Resource, Task, TaskChanges, TaskFilter, TaskList, TaskRepository,
    TaskText,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, Set, Statement,
};

use super::{Database, entity::task, error::corrupt, error::repository_error, natural, stored};

/// Draws the user's next task number.
const NEXT_NUMBER: &str = "
INSERT INTO task_counters (user_id, last) VALUES ($1, 1)
ON CONFLICT (user_id) DO UPDATE SET last = task_counters.last + 1
RETURNING last";

#[async_trait]
impl TaskRepository for Database {
    async fn insert(
        &self,
        caller: &Caller,
        title: TaskText,
        description: Option<TaskText>,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError> {
        let transaction = self.write().await?;
        let number = transaction
            .query_one_raw(Statement::from_sql_and_values(
                self.backend,
                NEXT_NUMBER,
                [caller.user_id().as_str().into()],
            ))
            .await
            .map_err(repository_error)?
            .ok_or_else(|| corrupt("a task counter without a number"))?
            .try_get_by_index(0)
            .map_err(repository_error)?;
        let row = task::Model {
            user_id: caller.user_id().as_str().to_owned(),
            number,
            title: title.into(),
            description: description.map(String::from),
            completed: false,
            created_at: now,
            updated_at: now,
        };
        task::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&transaction)
            .await
            .map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(row.into())
    }

    async fn list(
        &self,
        caller: &Caller,
        filter: TaskFilter,
        limit: u32,
    ) -> Result<TaskList, RepositoryError> {
        let select = match filter {
            TaskFilter::All => of(caller),
            TaskFilter::Pending => of(caller).filter(task::Column::Completed.eq(false)),
            TaskFilter::Completed => of(caller).filter(task::Column::Completed.eq(true)),
        };
        let count = select
            .clone()
            .count(&self.reader)
            .await
            .map_err(repository_error)?;
        let tasks = select
            .order_by_asc(task::Column::Number)
            .limit(u64::from(limit))
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        Ok(TaskList {
            tasks: tasks.into_iter().map(Task::from).collect(),
            count,
        })
    }

    async fn update(
        &self,
        caller: &Caller,
        number: u64,
        changes: TaskChanges,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError> {
        let transaction = self.write().await?;
        let row = of(caller)
            .filter(task::Column::Number.eq(stored(number)))
            .lock_exclusive()
            .one(&transaction)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::NotFound(Resource::Task))?;
        let mut row = row.into_active_model();
        if let Some(title) = changes.title {
            row.title = Set(title.into());
        }
        if let Some(description) = changes.description {
            row.description = Set(Some(description.into()));
        }
        if let Some(completed) = changes.completed {
            row.completed = Set(completed);
        }
        row.updated_at = Set(now);
        let row = row.update(&transaction).await.map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(row.into())
    }

    async fn delete(&self, caller: &Caller, number: u64) -> Result<Task, RepositoryError> {
        let transaction = self.write().await?;
        let rows = task::Entity::delete_many()
            .filter(task::Column::UserId.eq(caller.user_id().as_str()))
            .filter(task::Column::Number.eq(stored(number)))
            .exec_with_returning(&transaction)
            .await
            .map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        rows.into_iter()
            .next()
            .map(Task::from)
            .ok_or(RepositoryError::NotFound(Resource::Task))
    }
}

fn of(caller: &Caller) -> Select<task::Entity> {
    task::Entity::find().filter(task::Column::UserId.eq(caller.user_id().as_str()))
}

impl From<task::Model> for Task {
    fn from(row: task::Model) -> Self {
        let task::Model {
            user_id: _,
            number,
            title,
            description,
            completed,
            created_at,
            updated_at,
        } = row;
        Self {
            number: natural(number),
            title,
            description,
            completed,
            created_at,
            updated_at,
        }
    }
}
