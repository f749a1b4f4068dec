//! The port of maintenance.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ConversationId, Erased, Maintenance, RepositoryError, UserId};

use super::MemoryStore;

#[async_trait]
impl Maintenance for MemoryStore {
    async fn check(&self) -> Result<(), RepositoryError> {
        Ok(())
    }

    async fn close(&self) {}

    async fn purge_deleted(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError> {
        self.write(|state| {
            let conversations = &mut state.conversations;
            let deleted_before = conversations
                .iter()
                .filter(|(_, found)| found.deleted_at.is_some_and(|time| time < before));
            let purged: Vec<ConversationId> = deleted_before
                .map(|(id, _)| *id)
                .take(limit as usize)
                .collect();
            conversations.retain(|id, _| !purged.contains(id));
            Ok(purged.len() as u64)
        })
    }

    async fn erase_user(&self, user_id: &UserId) -> Result<Erased, RepositoryError> {
        self.write(|state| {
            let before = state.conversations.len();
            state
                .conversations
                .retain(|_, found| found.conversation.user_id != *user_id);
            let tasks = state.tasks.remove(user_id).unwrap_or_default().tasks;
            Ok(Erased {
                conversations: (before - state.conversations.len()) as u64,
                tasks: tasks.len() as u64,
            })
        })
    }
}
