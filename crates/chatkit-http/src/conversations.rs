//! `/api/chat/conversations`.

use chatkit_domain::{
    Caller, Cursor, CursorScope, InvalidValue, Limit, ListConversations, NewConversation, Position,
    SearchQuery, Title,
};
use chrono::{DateTime, Datelike};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    auth::Authenticated,
    document::{Tags, example_id, example_time},
    payload::{Json, Nullable, Timestamp},
    problem::ApiError,
    state::ApiState,
};

/// A chat of one user.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Conversation {
    /// Its id, the same in every dialect of the API.
    id: Uuid,
    /// Whose it is.
    user_id: String,
    /// What it is called: 1 to 200 characters.
    title: String,
    /// When it was created.
    created_at: Timestamp,
    /// When a message was last added, or the title changed.
    updated_at: Timestamp,
    /// How many messages its history holds.
    message_count: u64,
}

impl Example for Conversation {
    fn example() -> Self {
        Self {
            id: example_id(1),
            user_id: "user_42".to_owned(),
            title: "Groceries for the weekend".to_owned(),
            created_at: example_time(0),
            updated_at: example_time(60),
            message_count: 2,
        }
    }
}

impl From<chatkit_domain::Conversation> for Conversation {
    fn from(conversation: chatkit_domain::Conversation) -> Self {
        let chatkit_domain::Conversation {
            id,
            user_id,
            title,
            title_is_default: _,
            created_at,
            updated_at,
            message_count,
            status: _,
            image_domains: _,
            metadata: _,
        } = conversation;
        Self {
            id: id.uuid(),
            user_id: user_id.as_str().to_owned(),
            title: title.as_str().to_owned(),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            message_count,
        }
    }
}

/// A page of conversations, newest `updated_at` first.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ConversationList {
    /// The conversations.
    conversations: Vec<Conversation>,
    /// Where the next page begins; null on the last page.
    next_cursor: Nullable<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Example for ConversationList {
    fn example() -> Self {
        Self {
            conversations: vec![Conversation::example()],
            next_cursor: None.into(),
            has_more: false,
        }
    }
}

/// A conversation to create.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct CreateConversation {
    /// A title; without one the conversation is named after its first message.
    #[oai(
        nullable,
        validator(
            min_length = 1,
            max_length = 200,
            pattern = r"^[^\u0000]*\S[^\u0000]*$"
        ),
        skip_serializing_if_is_none
    )]
    title: Option<String>,
}

impl Example for CreateConversation {
    fn example() -> Self {
        Self {
            title: Some("Groceries for the weekend".to_owned()),
        }
    }
}

/// What to change of a conversation.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct UpdateConversation {
    /// The new title.
    #[oai(validator(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000]*\S[^\u0000]*$"
    ))]
    title: String,
}

impl Example for UpdateConversation {
    fn example() -> Self {
        Self {
            title: "Party on Saturday".to_owned(),
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum ConversationListResponse {
    /// A page of conversations.
    #[oai(status = 200)]
    Page(Json<ConversationList>),
}

#[derive(ApiResponse)]
pub(crate) enum ConversationResponse {
    /// The conversation.
    #[oai(status = 200)]
    Found(Json<Conversation>),
}

#[derive(ApiResponse)]
pub(crate) enum CreatedConversationResponse {
    /// The new conversation.
    #[oai(status = 201)]
    Created(
        Json<Conversation>,
        /// The path of the new conversation.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum DeletedConversationResponse {
    /// It is deleted, and can be restored for a while.
    #[oai(status = 204)]
    Deleted,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ConversationsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Conversations")]
impl ConversationsApi {
    /// List conversations
    ///
    /// The caller's conversations, the one that changed last first. A conversation that changes
    /// while the pages are read moves to the front; none is shown twice.
    #[oai(
        path = "/conversations",
        method = "get",
        operation_id = "listConversations"
    )]
    async fn list(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// How many conversations a page holds.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<i64>,
        /// The `next_cursor` of the page before, of the same list.
        cursor: Query<Option<String>>,
        /// Only conversations with this text in the title or in a message, whatever its case.
        #[oai(validator(min_length = 1, max_length = 200))]
        q: Query<Option<String>>,
    ) -> Result<ConversationListResponse, ApiError> {
        let Authenticated(caller) = caller;
        let query =
            q.0.as_deref()
                .map(|text| SearchQuery::parse(text).map_err(|error| ApiError::invalid("q", error)))
                .transpose()?;
        let scope = scope(&caller, query.as_ref());
        let after = cursor
            .0
            .as_deref()
            .map(|text| {
                Cursor::parse(text, scope)
                    .and_then(sane)
                    .map_err(|error| ApiError::invalid("cursor", error))
            })
            .transpose()?;
        let list = ListConversations {
            limit: Limit::parse(limit.0).map_err(|error| ApiError::invalid("limit", error))?,
            after,
            query,
        };
        let conversations = &state.repositories().conversations;
        let page = conversations.list(&caller, &list).await?;
        Ok(ConversationListResponse::Page(Json(ConversationList {
            conversations: page.entries.into_iter().map(Conversation::from).collect(),
            has_more: page.next.is_some(),
            next_cursor: page
                .next
                .map(|position| Cursor::new(scope, position).encode())
                .into(),
        })))
    }

    /// Create a conversation
    #[oai(
        path = "/conversations",
        method = "post",
        operation_id = "createConversation"
    )]
    async fn create(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        body: Json<CreateConversation>,
    ) -> Result<CreatedConversationResponse, ApiError> {
        let title = body.0.title.as_deref().map(parse_title).transpose()?;
        let new = NewConversation {
            id: state.clock().id(),
            title,
            now: state.clock().now(),
        };
        let conversations = &state.repositories().conversations;
        let conversation = conversations.insert(&caller.0, new).await?;
        let location = format!("/api/chat/conversations/{}", conversation.id);
        Ok(CreatedConversationResponse::Created(
            Json(conversation.into()),
            location,
        ))
    }

    /// Get a conversation
    #[oai(
        path = "/conversations/:conversation_id",
        method = "get",
        operation_id = "getConversation"
    )]
    async fn get(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
    ) -> Result<ConversationResponse, ApiError> {
        let id = crate::shell::conversation(conversation_id.0);
        let conversations = &state.repositories().conversations;
        let conversation = conversations.get(&caller.0, id).await?;
        Ok(ConversationResponse::Found(Json(conversation.into())))
    }

    /// Rename a conversation
    #[oai(
        path = "/conversations/:conversation_id",
        method = "put",
        operation_id = "updateConversation"
    )]
    async fn update(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        body: Json<UpdateConversation>,
    ) -> Result<ConversationResponse, ApiError> {
        let id = crate::shell::conversation(conversation_id.0);
        let title = parse_title(&body.0.title)?;
        let now = state.clock().now();
        let conversations = &state.repositories().conversations;
        let conversation = conversations.rename(&caller.0, id, &title, now).await?;
        Ok(ConversationResponse::Found(Json(conversation.into())))
    }

    /// Delete a conversation
    ///
    /// Stops the answer that is being written in it. Every read is a 404 from then on; until it
    /// is purged (30 days by default) the conversation can be restored.
    #[oai(
        path = "/conversations/:conversation_id",
        method = "delete",
        operation_id = "deleteConversation"
    )]
    async fn delete(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
    ) -> Result<DeletedConversationResponse, ApiError> {
        let id = crate::shell::conversation(conversation_id.0);
        state.agent().delete_conversation(&caller.0, id).await?;
        Ok(DeletedConversationResponse::Deleted)
    }

    /// Restore a deleted conversation
    ///
    /// A conversation that is not deleted is returned as it is.
    #[oai(
        path = "/conversations/:conversation_id/restore",
        method = "post",
        operation_id = "restoreConversation"
    )]
    async fn restore(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
    ) -> Result<ConversationResponse, ApiError> {
        let id = crate::shell::conversation(conversation_id.0);
        let deleted_after = state.clock().now() - state.options().deleted_ttl;
        let conversations = &state.repositories().conversations;
        let conversation = conversations.restore(&caller.0, id, deleted_after).await?;
        Ok(ConversationResponse::Found(Json(conversation.into())))
    }
}

/// A place in the list: its key is a time, in years that databases agree on.
fn sane(position: Position) -> Result<Position, InvalidValue> {
    let time = DateTime::from_timestamp_millis(position.key);
    time.filter(|time| (1..=9999).contains(&time.year()))
        .map(|_| position)
        .ok_or_else(|| InvalidValue::new("is not a cursor of this list"))
}

fn default_limit() -> i64 {
    20
}

fn parse_title(text: &str) -> Result<Title, ApiError> {
    Title::parse(text).map_err(|error| ApiError::invalid("title", error))
}

fn scope(caller: &Caller, query: Option<&SearchQuery>) -> CursorScope {
    let query = query.map_or("", SearchQuery::folded);
    CursorScope::new(&["conversations", caller.user_id().as_str(), query])
}
