//! `/api/chat/conversations`.

use chatkit_domain::{
    Caller, ConversationId, Cursor, CursorScope, Limit, ListConversations, NewConversation,
    Position, SearchQuery, Title,
};
use chrono::{DateTime, Datelike};
use poem_openapi::{ApiResponse, OpenApi, param::Query};

use super::{
    extract::{Call, Path},
    schema::conversation::{
        Conversation, ConversationList, CreateConversation, UpdateConversation,
    },
};
use crate::{contract::tags::Tags, payload::Json, problem::ApiError};

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
    /// The conversation is deleted. It can be restored for a while.
    #[oai(status = 204)]
    Deleted,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ConversationsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Conversations")]
impl ConversationsApi {
    /// List conversations
    ///
    /// Returns the caller's conversations, the most recently changed first. A conversation that
    /// changes while a client reads the pages moves to the front. No conversation is on two pages.
    #[oai(
        path = "/conversations",
        method = "get",
        operation_id = "listConversations"
    )]
    async fn list(
        &self,
        call: Call<'_>,
        /// The largest number of conversations on the page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<i64>,
        /// The `next_cursor` of the previous page of the same list.
        cursor: Query<Option<String>>,
        /// Returns only conversations with this text in the title or in a message, in any case.
        #[oai(validator(min_length = 1, max_length = 200))]
        q: Query<Option<String>>,
    ) -> Result<ConversationListResponse, ApiError> {
        let caller = &call.caller;
        let query =
            q.0.as_deref()
                .map(|text| SearchQuery::parse(text).map_err(|error| ApiError::invalid("q", error)))
                .transpose()?;
        let scope = scope(caller, query.as_ref());
        let after = cursor.0.as_deref().map(|text| position(text, scope));
        let list = ListConversations {
            limit: Limit::parse(limit.0).map_err(|error| ApiError::invalid("limit", error))?,
            after: after.transpose()?,
            query,
        };
        let conversations = &call.state.repositories().conversations;
        let page = conversations.list(caller, &list).await?;
        Ok(ConversationListResponse::Page(Json(ConversationList {
            has_more: page.has_more,
            next_cursor: page
                .next()
                .map(|position| Cursor::new(scope, position).encode())
                .into(),
            conversations: page.entries.into_iter().map(Conversation::from).collect(),
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
        call: Call<'_>,
        body: Json<CreateConversation>,
    ) -> Result<CreatedConversationResponse, ApiError> {
        let title = body.0.title.as_deref().map(parse_title).transpose()?;
        let new = NewConversation {
            id: call.state.clock().id(),
            title,
            now: call.state.clock().now(),
        };
        let conversations = &call.state.repositories().conversations;
        let conversation = conversations.insert(&call.caller, new).await?;
        let path = format!("/api/chat/conversations/{}", conversation.id);
        let location = call.state.public_path(&path);
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
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
    ) -> Result<ConversationResponse, ApiError> {
        let conversations = &call.state.repositories().conversations;
        let conversation = conversations.get(&call.caller, conversation_id.0).await?;
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
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        body: Json<UpdateConversation>,
    ) -> Result<ConversationResponse, ApiError> {
        let title = parse_title(&body.0.title)?;
        let now = call.state.clock().now();
        let conversations = &call.state.repositories().conversations;
        let conversation = conversations
            .rename(&call.caller, conversation_id.0, &title, now)
            .await?;
        Ok(ConversationResponse::Found(Json(conversation.into())))
    }

    /// Delete a conversation
    ///
    /// Stops the active run. All reads of the conversation then return 404. The conversation can be
    /// restored until it is purged, by default after 30 days.
    #[oai(
        path = "/conversations/:conversation_id",
        method = "delete",
        operation_id = "deleteConversation"
    )]
    async fn delete(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
    ) -> Result<DeletedConversationResponse, ApiError> {
        call.state
            .agent()
            .delete_conversation(&call.caller, conversation_id.0)
            .await?;
        Ok(DeletedConversationResponse::Deleted)
    }

    /// Restore a deleted conversation
    ///
    /// A conversation that is not deleted is returned without a change.
    #[oai(
        path = "/conversations/:conversation_id/restore",
        method = "post",
        operation_id = "restoreConversation"
    )]
    async fn restore(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
    ) -> Result<ConversationResponse, ApiError> {
        let deleted_after = call.state.clock().now() - call.state.options().deleted_ttl;
        let conversations = &call.state.repositories().conversations;
        let conversation = conversations
            .restore(&call.caller, conversation_id.0, deleted_after)
            .await?;
        Ok(ConversationResponse::Found(Json(conversation.into())))
    }
}

/// The position that a cursor names. Its key is a time, in years that all databases support.
fn position(cursor: &str, scope: CursorScope) -> Result<Position, ApiError> {
    let position = Cursor::parse(cursor, scope);
    let position = position.map_err(|error| ApiError::invalid("cursor", error))?;
    DateTime::from_timestamp_millis(position.key)
        .filter(|time| (1..=9999).contains(&time.year()))
        .map(|_| position)
        .ok_or_else(|| ApiError::invalid("cursor", "is not a cursor of this list"))
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
