//! The port of tasks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, RepositoryError, Resource, Task, TaskChanges, TaskFilter, TaskList, TaskRepository,
    TaskText,
};

use super::MemoryStore;

#[async_trait]
impl TaskRepository for MemoryStore {
    async fn insert(
        &self,
        caller: &Caller,
        title: TaskText,
        description: Option<TaskText>,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError> {
        self.write(|state| {
            let list = state.tasks.entry(caller.user_id().clone()).or_default();
            list.last += 1;
            let task = Task {
                number: list.last,
                title: title.into(),
                description: description.map(String::from),
                completed: false,
                created_at: now,
                updated_at: now,
            };
            list.tasks.insert(task.number, task.clone());
            Ok(task)
        })
    }

    async fn list(
        &self,
        caller: &Caller,
        filter: TaskFilter,
        limit: u32,
    ) -> Result<TaskList, RepositoryError> {
        let state = self.read();
        let all = state.tasks.get(caller.user_id());
        let all = all.into_iter().flat_map(|list| list.tasks.values());
        let matching = all.filter(|task| match filter {
            TaskFilter::All => true,
            TaskFilter::Pending => !task.completed,
            TaskFilter::Completed => task.completed,
        });
        let mut tasks: Vec<Task> = matching.cloned().collect();
        let count = tasks.len() as u64;
        tasks.truncate(limit as usize);
        Ok(TaskList { tasks, count })
    }

    async fn update(
        &self,
        caller: &Caller,
        number: u64,
        changes: TaskChanges,
        now: DateTime<Utc>,
    ) -> Result<Task, RepositoryError> {
        self.write(|state| {
            let list = state.tasks.get_mut(caller.user_id());
            let task = list.and_then(|list| list.tasks.get_mut(&number));
            let task = task.ok_or(RepositoryError::NotFound(Resource::Task))?;
            if let Some(title) = changes.title {
                task.title = title.into();
            }
            if let Some(description) = changes.description {
                task.description = Some(description.into());
            }
            if let Some(completed) = changes.completed {
                task.completed = completed;
            }
            task.updated_at = now;
            Ok(task.clone())
        })
    }

    async fn delete(&self, caller: &Caller, number: u64) -> Result<Task, RepositoryError> {
        self.write(|state| {
            let list = state.tasks.get_mut(caller.user_id());
            let task = list.and_then(|list| list.tasks.remove(&number));
            task.ok_or(RepositoryError::NotFound(Resource::Task))
        })
    }
}
