//! `/api/chat/conversations/{conversation_id}/messages`.

use chatkit_agent::{StartInput, StartRun};
use chatkit_domain::{
    Caller, ConversationId, Cursor, Dialect, ItemId, Limit, ListMessages, MessagePage, MessageText,
    MessageWindow, Position, RunTarget,
};
use poem::{http::HeaderMap, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Query},
};

use super::{
    etag::matches_etag,
    extract::{Call, Path},
    schema::{
        message::Message,
        run::Run,
        turn::{MessageList, RateMessage, SendMessage, Turn},
    },
    window::{scope, window},
};
use crate::{
    contract::{fingerprint::Fingerprint, tags::Tags},
    payload::{Json, Named},
    problem::{ApiError, TurnError},
    turns::{CompletedTurn, idempotency, single_key, take_turn},
};

#[derive(ApiResponse)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is returned once and never stored"
)]
pub(crate) enum MessageListResponse {
    /// A page of the history.
    #[oai(status = 200)]
    Page(
        Json<MessageList>,
        /// The entity tag. It changes whenever the response would.
        #[oai(header = "ETag")]
        String,
        /// Only the caller's own cache may store the response, and must revalidate it.
        #[oai(header = "Cache-Control")]
        String,
        /// The request headers on which the response depends.
        #[oai(header = "Vary")]
        String,
    ),
    /// Nothing has changed since the response with this `ETag`.
    #[oai(status = 304)]
    Unchanged(
        /// The same as in that response.
        #[oai(header = "ETag")]
        String,
        /// The same as in that response.
        #[oai(header = "Cache-Control")]
        String,
        /// The same as in that response.
        #[oai(header = "Vary")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum TurnResponse {
    /// The user's message and the answer, both stored.
    #[oai(status = 201)]
    Created(
        Json<Turn>,
        /// `true` if the turn had ended before this request, which only returns its answer again.
        #[oai(header = "Idempotency-Replayed")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum RegeneratedResponse {
    /// The user's message and its new answer.
    #[oai(status = 201)]
    Created(Json<Turn>),
}

#[derive(ApiResponse)]
pub(crate) enum RatedResponse {
    /// The rating is stored.
    #[oai(status = 204)]
    Rated,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MessagesApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Messages")]
impl MessagesApi {
    /// List messages
    ///
    /// Returns a page of the history, with the active run. To poll, send the id of the last message
    /// as `since` until `has_more` is false. From then on, send the `ETag` of the last response as
    /// `If-None-Match`.
    #[oai(
        path = "/conversations/:conversation_id/messages",
        method = "get",
        operation_id = "listMessages"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the operation's parameters"
    )]
    async fn list(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The largest number of messages on the page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<i64>,
        /// A `before_cursor`: returns the page before it. Cannot be used together with `since`.
        before: Query<Option<String>>,
        /// The id of a message, or a time: returns the oldest messages after it. The time is in RFC
        /// 3339 format, and in UTC if it has no offset.
        since: Query<Option<String>>,
        /// The `ETag` of an earlier response.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
        contract: Data<&Fingerprint>,
    ) -> Result<MessageListResponse, ApiError> {
        let (caller, id) = (&call.caller, conversation_id.0);
        let list = ListMessages {
            limit: Limit::parse(limit.0).map_err(|error| ApiError::invalid("limit", error))?,
            window: window(caller, id, before.0.as_deref(), since.0.as_deref())?,
        };
        let messages = &call.state.repositories().messages;
        if let Some(expected) = if_none_match.0 {
            let etag = etag(&contract, messages.revision(caller, id).await?);
            if matches_etag(&expected, &etag) {
                let [cache, vary] = caching();
                return Ok(MessageListResponse::Unchanged(etag, cache, vary));
            }
        }
        let page = messages.list(caller, id, &list).await?;
        let (etag, [cache, vary]) = (etag(&contract, page.revision), caching());
        let body = Json(message_list(caller, id, list.window, page));
        Ok(MessageListResponse::Page(body, etag, cache, vary))
    }

    /// Send a message and wait for the answer
    ///
    /// The message is stored before the model is asked. It stays stored if the answer fails, and the
    /// problem then contains its id. The run continues if the client disconnects.
    ///
    /// A repeated request with the same `Idempotency-Key` is the same turn. It waits for an active
    /// run, returns the answer of a completed run, and starts another run for the same message if
    /// the run failed.
    #[oai(
        path = "/conversations/:conversation_id/messages",
        method = "post",
        operation_id = "sendMessage"
    )]
    async fn send(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// A key of your choice that identifies this turn: 1 to 255 visible ASCII characters, with or
        /// without quotes.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
        headers: &HeaderMap,
        body: Json<SendMessage>,
    ) -> Result<TurnResponse, TurnError> {
        let text = MessageText::parse(body.0.content)
            .map_err(|error| ApiError::invalid("content", error))?;
        let idempotency = single_key(headers, idempotency_key.0)?
            .map(|key| {
                idempotency(
                    &key,
                    &["sendMessage", &conversation_id.0.to_string(), text.as_str()],
                )
            })
            .transpose()?;
        let target = RunTarget::Existing(conversation_id.0);
        let input = StartInput::Message(text, None);
        let start = StartRun::new(target, input, Dialect::Rest).with_idempotency(idempotency);
        let turn = take_turn(call.state, &call.caller, start).await?;
        Ok(turn.into())
    }

    /// Answer a message again and wait for the answer
    ///
    /// Everything after the message is removed from the history. It is restored if the run ends
    /// without a new answer.
    #[oai(
        path = "/conversations/:conversation_id/messages/:message_id/regenerate",
        method = "post",
        operation_id = "regenerateMessage"
    )]
    async fn regenerate(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The id of a user's message.
        message_id: Path<ItemId>,
    ) -> Result<RegeneratedResponse, TurnError> {
        let target = RunTarget::Existing(conversation_id.0);
        let start = StartRun::new(target, StartInput::Regenerate(message_id.0), Dialect::Rest);
        let turn = take_turn(call.state, &call.caller, start).await?;
        Ok(RegeneratedResponse::Created(Json(turn.into())))
    }

    /// Rate an answer
    #[oai(
        path = "/conversations/:conversation_id/messages/:message_id/feedback",
        method = "put",
        operation_id = "rateMessage"
    )]
    async fn rate(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The id of an assistant's message.
        message_id: Path<ItemId>,
        body: Json<RateMessage>,
    ) -> Result<RatedResponse, ApiError> {
        let feedback = body.0.kind.0.map(|Named(kind)| kind);
        let messages = &call.state.repositories().messages;
        messages
            .rate(&call.caller, conversation_id.0, message_id.0, feedback)
            .await?;
        Ok(RatedResponse::Rated)
    }
}

impl From<CompletedTurn> for TurnResponse {
    fn from(turn: CompletedTurn) -> Self {
        let replayed = turn.is_replayed.then(|| "true".to_owned());
        Self::Created(Json(turn.into()), replayed)
    }
}

impl From<CompletedTurn> for Turn {
    fn from(turn: CompletedTurn) -> Self {
        Self {
            user_message: turn.user_message.into(),
            assistant_message: turn.assistant_message.into(),
            run: turn.run.into(),
        }
    }
}

fn default_limit() -> i64 {
    50
}

fn message_list(
    caller: &Caller,
    conversation: ConversationId,
    window: MessageWindow,
    page: MessagePage,
) -> MessageList {
    let reads_back = page.reset || !matches!(window, MessageWindow::Since(_));
    let first = page
        .messages
        .first()
        .filter(|_| reads_back && page.has_more);
    let before_cursor = first.map(|message| {
        let position = Position {
            key: i64::try_from(message.sequence_number).unwrap_or(i64::MAX),
            id: message.id.uuid(),
        };
        Cursor::new(scope(caller, conversation), position).encode()
    });
    MessageList {
        conversation_id: conversation.uuid(),
        before_cursor: before_cursor.into(),
        messages: page.messages.into_iter().map(Message::from).collect(),
        has_more: page.has_more,
        reset: page.reset,
        active_run: page.active_run.map(Run::from).into(),
    }
}

/// The entity tag of a history. Another build may represent the same revision in another way.
fn etag(contract: &Fingerprint, revision: u64) -> String {
    format!("W/\"{}-{revision}\"", contract.as_str())
}

/// `Cache-Control` and `Vary` of responses that belong to the caller.
fn caching() -> [String; 2] {
    [
        "private, no-cache".to_owned(),
        "Authorization, Cookie, Origin, Accept".to_owned(),
    ]
}
