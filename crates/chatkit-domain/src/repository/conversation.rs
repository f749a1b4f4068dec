use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, Conversation, ConversationId, Limit, ListCreated, NewConversation, Page, Position,
    RepositoryError, RunId, SearchQuery, Title,
};

/// Stores conversations.
///
/// # Errors
/// Every method: `NotFound(Conversation)` for a conversation that does not exist, was deleted, or
/// belongs to another user; `Unavailable` and `Failed` as [`RepositoryError`] says.
#[async_trait]
pub trait ConversationRepository: std::fmt::Debug + Send + Sync {
    /// Creates a conversation.
    async fn insert(
        &self,
        caller: &Caller,
        conversation: NewConversation,
    ) -> Result<Conversation, RepositoryError>;

    /// Returns a conversation.
    async fn get(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Conversation, RepositoryError>;

    /// Lists the caller's conversations, newest `updated_at` first.
    async fn list(
        &self,
        caller: &Caller,
        list: &ListConversations,
    ) -> Result<Page<Conversation>, RepositoryError>;

    /// Lists the caller's conversations in order of creation. `after` may be a deleted one.
    async fn list_created(
        &self,
        caller: &Caller,
        list: ListCreated<ConversationId>,
    ) -> Result<Page<Conversation>, RepositoryError>;

    /// Gives a conversation a title that a user chose.
    async fn rename(
        &self,
        caller: &Caller,
        id: ConversationId,
        title: &Title,
        now: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError>;

    /// Hides a conversation from every read and asks its active run to stop. Returns that run.
    async fn delete(
        &self,
        caller: &Caller,
        id: ConversationId,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError>;

    /// Restores a conversation that was deleted after `deleted_after`. One that is not deleted is
    /// returned unchanged.
    async fn restore(
        &self,
        caller: &Caller,
        id: ConversationId,
        deleted_after: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError>;
}

/// The conversations to list.
#[derive(Clone, Debug)]
pub struct ListConversations {
    /// The most conversations to return.
    pub limit: Limit,
    /// The position to start after. Its key is `updated_at` in milliseconds.
    pub after: Option<Position>,
    /// A text that the title or a message must contain.
    pub query: Option<SearchQuery>,
}
