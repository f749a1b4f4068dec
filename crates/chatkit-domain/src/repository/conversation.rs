use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, Conversation, ConversationId, Limit, ListCreated, NewConversation, Page, Part,
    Position, RepositoryError, RunId, SearchQuery, Title,
};

/// Keeps conversations.
///
/// # Errors
/// Every method: `NotFound` for what is not the caller's, was deleted or never was; `Unavailable`
/// and `Failed` as [`RepositoryError`] says.
#[async_trait]
pub trait ConversationRepository: std::fmt::Debug + Send + Sync {
    /// Creates a conversation.
    async fn insert(
        &self,
        caller: &Caller,
        conversation: NewConversation,
    ) -> Result<Conversation, RepositoryError>;

    /// One conversation.
    async fn get(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Conversation, RepositoryError>;

    /// The caller's conversations, newest `updated_at` first.
    async fn list(
        &self,
        caller: &Caller,
        list: &ListConversations,
    ) -> Result<Page<Conversation>, RepositoryError>;

    /// The caller's conversations in order of creation.
    ///
    /// # Errors
    /// `NotFound` also for an `after` that is none of them.
    async fn list_created(
        &self,
        caller: &Caller,
        list: ListCreated<ConversationId>,
    ) -> Result<Part<Conversation>, RepositoryError>;

    /// Gives a conversation a title that somebody chose.
    async fn rename(
        &self,
        caller: &Caller,
        id: ConversationId,
        title: &Title,
        now: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError>;

    /// Hides a conversation from every read and asks its active run to stop.
    async fn delete(
        &self,
        caller: &Caller,
        id: ConversationId,
        now: DateTime<Utc>,
    ) -> Result<Deleted, RepositoryError>;

    /// Brings back a conversation that was deleted after `deleted_after`. One that is not
    /// deleted is returned as it is.
    async fn restore(
        &self,
        caller: &Caller,
        id: ConversationId,
        deleted_after: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError>;
}

/// Which conversations to list.
#[derive(Clone, Debug)]
pub struct ListConversations {
    /// How many at most.
    pub limit: Limit,
    /// Only those behind this place: `key` is `updated_at` in milliseconds.
    pub after: Option<Position>,
    /// Only those with this text in the title or in a message.
    pub query: Option<SearchQuery>,
}

/// What deleting a conversation met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The run that was active and is now asked to stop.
    pub cancelled_run: Option<RunId>,
}
