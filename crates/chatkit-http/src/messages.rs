//! `/api/chat/conversations/{conversation_id}/messages`.

mod message;
mod window;

use chatkit_agent::{RunOptions, StartInput, StartRun};
use chatkit_domain::{
    Caller, ConversationId, Cursor, Dialect, ItemId, Limit, ListMessages, MessagePage, MessageText,
    MessageWindow, Position, RunTarget,
};
use poem::{http::HeaderMap, web::Data};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path, Query},
    types::Example,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::message::Message;
use self::{
    message::{Feedback, Role},
    window::{scope, window},
};
use crate::{
    auth::Authenticated,
    document::{self, Tags, example_id},
    payload::{Json, Nullable},
    problem::ApiError,
    runs::Run,
    shell::{self, matches_etag},
    state::ApiState,
    turns::{FinishedTurn, idempotency, single_key, take_turn},
};

/// A page of a conversation's history.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct MessageList {
    /// The conversation.
    conversation_id: Uuid,
    /// The messages, oldest first.
    messages: Vec<Message>,
    /// Whether there are more: older ones, or newer ones where `since` was given.
    has_more: bool,
    /// Leads to the older ones; null where there are none, and with `since`.
    before_cursor: Nullable<String>,
    /// Whether the page replaces what the reader had: `since` names no message of this history.
    reset: bool,
    /// The run that is being answered now.
    active_run: Nullable<Run>,
}

impl Example for MessageList {
    fn example() -> Self {
        let question = "Add a task to buy groceries";
        Self {
            conversation_id: example_id(1),
            messages: vec![
                Message::example_of(Role::User, question, 2),
                Message::example(),
            ],
            has_more: false,
            before_cursor: None.into(),
            reset: false,
            active_run: None.into(),
        }
    }
}

/// A message to send.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct SendMessage {
    /// What the user says: 1 to 10,000 characters, not counting white space around it.
    #[oai(validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"))]
    content: String,
}

impl Example for SendMessage {
    fn example() -> Self {
        Self {
            content: "Add a task to buy groceries".to_owned(),
        }
    }
}

/// A turn: what the user said, and the answer.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Turn {
    /// What the user said.
    user_message: Message,
    /// The answer.
    assistant_message: Message,
    /// The run that answered.
    run: Run,
}

impl Example for Turn {
    fn example() -> Self {
        Self {
            user_message: Message::user_example(),
            assistant_message: Message::example(),
            run: Run::example(),
        }
    }
}

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
        /// Changes with everything that a reader could see.
        #[oai(header = "ETag")]
        String,
        /// Answers are the caller's own and must be revalidated.
        #[oai(header = "Cache-Control")]
        String,
        /// The headers that choose between answers.
        #[oai(header = "Vary")]
        String,
    ),
    /// Nothing has changed since the answer with this `ETag`.
    #[oai(status = 304)]
    Unchanged(
        /// As it was.
        #[oai(header = "ETag")]
        String,
        /// As it was.
        #[oai(header = "Cache-Control")]
        String,
        /// As it was.
        #[oai(header = "Vary")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum TurnResponse {
    /// The message is stored and answered.
    #[oai(status = 201)]
    Created(
        Json<Turn>,
        /// `true` when the turn had ended before this call, which only repeats its answer.
        #[oai(header = "Idempotency-Replayed")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum RegeneratedResponse {
    /// The message is answered again.
    #[oai(status = 201)]
    Created(Json<Turn>),
}

#[derive(ApiResponse)]
pub(crate) enum RatedResponse {
    /// The rating is kept.
    #[oai(status = 204)]
    Rated,
}

/// How to rate an answer.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct RateMessage {
    /// The rating; null takes it back.
    #[serde(deserialize_with = "Nullable::required")]
    kind: Nullable<Feedback>,
}

impl Example for RateMessage {
    fn example() -> Self {
        Self {
            kind: Some(Feedback::Positive).into(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MessagesApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Messages")]
impl MessagesApi {
    /// List messages
    ///
    /// A page of the history with the run that is being answered now. Made for polling: read with
    /// the id of the last message as `since` until `has_more` is false, and from then on send the
    /// `ETag` of the last answer as `If-None-Match`.
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
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// How many messages a page holds.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<i64>,
        /// A `before_cursor`: the page that ends before it. Not together with `since`.
        before: Query<Option<String>>,
        /// A message's id or a time (RFC 3339; UTC where it has no offset): the oldest messages
        /// strictly after it.
        since: Query<Option<String>>,
        /// The `ETag` of an earlier answer.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<MessageListResponse, ApiError> {
        let Authenticated(caller) = caller;
        let id = shell::conversation(conversation_id.0);
        let list = ListMessages {
            limit: Limit::parse(limit.0).map_err(|error| ApiError::invalid("limit", error))?,
            window: window(&caller, id, before.0.as_deref(), since.0.as_deref())?,
        };
        let messages = &state.repositories().messages;
        if let Some(expected) = if_none_match.0 {
            let etag = etag(messages.revision(&caller, id).await?);
            if matches_etag(&expected, &etag) {
                let [cache, vary] = caching();
                return Ok(MessageListResponse::Unchanged(etag, cache, vary));
            }
        }
        let page = messages.list(&caller, id, &list).await?;
        let (etag, [cache, vary]) = (etag(page.revision), caching());
        let body = Json(message_list(&caller, id, list.window, page));
        Ok(MessageListResponse::Page(body, etag, cache, vary))
    }

    /// Send a message and wait for the answer
    ///
    /// The message is stored before the model is asked: it is kept even when the answer fails,
    /// and then the problem names it. A client that goes away does not stop the answer. With an
    /// `Idempotency-Key` a repeated call is the same turn: it waits for the answer that is under
    /// way, repeats the one that was given, and answers the same message again where that failed.
    #[oai(
        path = "/conversations/:conversation_id/messages",
        method = "post",
        operation_id = "sendMessage"
    )]
    async fn send(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// Stands for this turn: 1 to 255 visible ASCII characters, quoted or bare.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
        headers: &HeaderMap,
        body: Json<SendMessage>,
    ) -> Result<TurnResponse, ApiError> {
        let id = shell::conversation(conversation_id.0);
        let text = MessageText::parse(body.0.content)
            .map_err(|error| ApiError::invalid("content", error))?;
        let idempotency = single_key(headers, idempotency_key.0)?
            .map(|key| idempotency(&key, &["sendMessage", &id.to_string(), text.as_str()]))
            .transpose()?;
        let start = StartRun {
            target: RunTarget::Existing(id),
            input: StartInput::Say(text, None),
            dialect: Dialect::Rest,
            idempotency,
            options: RunOptions::default(),
        };
        let turn = take_turn(&state, &caller.0, start).await?;
        Ok(turn.into())
    }

    /// Answer a message again and wait for the answer
    ///
    /// What came after the message leaves the history; it is put back when there is no new answer.
    #[oai(
        path = "/conversations/:conversation_id/messages/:message_id/regenerate",
        method = "post",
        operation_id = "regenerateMessage"
    )]
    async fn regenerate(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// A user's message.
        message_id: Path<Uuid>,
    ) -> Result<RegeneratedResponse, ApiError> {
        let id = shell::conversation(conversation_id.0);
        let start = StartRun {
            target: RunTarget::Existing(id),
            input: StartInput::Again(ItemId::new(message_id.0)),
            dialect: Dialect::Rest,
            idempotency: None,
            options: RunOptions::default(),
        };
        let turn = take_turn(&state, &caller.0, start)
            .await
            .map_err(ApiError::of_message)?;
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
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// An assistant's message.
        message_id: Path<Uuid>,
        body: Json<RateMessage>,
    ) -> Result<RatedResponse, ApiError> {
        let id = shell::conversation(conversation_id.0);
        let feedback = body.0.kind.0.map(|kind| match kind {
            Feedback::Positive => chatkit_domain::Feedback::Positive,
            Feedback::Negative => chatkit_domain::Feedback::Negative,
        });
        let messages = &state.repositories().messages;
        messages
            .rate(&caller.0, id, ItemId::new(message_id.0), feedback)
            .await
            .map_err(ApiError::of_message)?;
        Ok(RatedResponse::Rated)
    }
}

impl From<FinishedTurn> for TurnResponse {
    fn from(turn: FinishedTurn) -> Self {
        let replayed = turn.replayed.then(|| "true".to_owned());
        Self::Created(Json(turn.into()), replayed)
    }
}

impl From<FinishedTurn> for Turn {
    fn from(turn: FinishedTurn) -> Self {
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

/// What this build shows is part of it: another may show the same revision in another way.
fn etag(revision: u64) -> String {
    format!("W/\"{}-{revision}\"", document::fingerprint())
}

/// `Cache-Control` and `Vary` of answers that are the caller's own.
fn caching() -> [String; 2] {
    [
        "private, no-cache".to_owned(),
        "Authorization, Cookie, Origin, Accept".to_owned(),
    ]
}
