//! The short forms of a turn: one call, one answer.

use std::time::Instant;

use chatkit_agent::{RunOptions, StartInput, StartRun};
use chatkit_domain::{Caller, Dialect, MessageText, RunTarget};
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::Authenticated,
    document::{Tags, example_id},
    payload::{ConversationRef, Json, JsonObject, Nullable},
    problem::{ApiError, Resource},
    shell,
    state::ApiState,
    turns::{FinishedTurn, take_turn},
};

/// A message to send, to a conversation or to a new one.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct ChatRequest {
    /// What the user says: 1 to 10,000 characters, not counting white space around it.
    #[oai(validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"))]
    message: String,
    /// The conversation to go on with; null or left out for a new one.
    #[serde(default)]
    #[oai(nullable, skip_serializing_if_is_none)]
    conversation_id: Option<ConversationRef>,
}

impl Example for ChatRequest {
    fn example() -> Self {
        Self {
            message: "Add a task to buy groceries".to_owned(),
            conversation_id: Some(ConversationRef(example_id(1).to_string())),
        }
    }
}

/// The answer with what led to it.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ChatAnswer {
    /// What the assistant says.
    response: String,
    /// The conversation, to go on with.
    conversation_id: Uuid,
    /// How the answer came about.
    metadata: ChatMetadata,
}

/// How an answer came about.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ChatMetadata {
    /// What the user asked for, by the first tool that was called.
    intent: Intent,
    /// The first tool that was called.
    tool_called: Nullable<String>,
    /// How long the whole turn took, in milliseconds.
    execution_time_ms: u64,
}

/// What a user asked for: by the task tool that was called, or just to chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Intent {
    Create,
    Read,
    Update,
    Complete,
    Delete,
    Chat,
}

impl Intent {
    fn of(tool: Option<&str>) -> Self {
        match tool {
            Some("add_task") => Self::Create,
            Some("list_tasks") => Self::Read,
            Some("update_task") => Self::Update,
            Some("complete_task") => Self::Complete,
            Some("delete_task") => Self::Delete,
            _ => Self::Chat,
        }
    }
}

impl Example for ChatAnswer {
    fn example() -> Self {
        Self {
            response: "Task created: Buy groceries (task 1).".to_owned(),
            conversation_id: example_id(1),
            metadata: ChatMetadata {
                intent: Intent::Create,
                tool_called: Some("add_task".to_owned()).into(),
                execution_time_ms: 312,
            },
        }
    }
}

/// The answer with the tools that were called.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ToolChatAnswer {
    /// The conversation, to go on with.
    conversation_id: Uuid,
    /// What the assistant says.
    response: String,
    /// The tools that were called, in order.
    tool_calls: Vec<CalledTool>,
}

/// A tool that was called.
#[derive(Debug, Serialize, Object)]
pub(crate) struct CalledTool {
    /// Its name.
    name: String,
    /// What it was called with.
    arguments: JsonObject,
}

impl Example for ToolChatAnswer {
    fn example() -> Self {
        let arguments = json!({"title": "Buy groceries"});
        Self {
            conversation_id: example_id(1),
            response: "Task created: Buy groceries (task 1).".to_owned(),
            tool_calls: vec![CalledTool {
                name: "add_task".to_owned(),
                arguments: JsonObject(arguments.as_object().cloned().unwrap_or_default()),
            }],
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum ChatResponse {
    /// The answer.
    #[oai(status = 200)]
    Answered(Json<ChatAnswer>),
}

#[derive(ApiResponse)]
pub(crate) enum ToolChatResponse {
    /// The answer.
    #[oai(status = 200)]
    Answered(Json<ToolChatAnswer>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ChatApi;

#[OpenApi(prefix_path = "/api", tag = "Tags::Chat")]
impl ChatApi {
    /// Send a message, with the intent of it in the answer
    #[oai(path = "/v1/chat", method = "post", operation_id = "chat")]
    async fn chat(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        body: Json<ChatRequest>,
    ) -> Result<ChatResponse, ApiError> {
        let begun = Instant::now();
        let turn = turn(&state, &caller.0, body.0).await?;
        let tool_called = turn
            .run
            .tool_calls
            .first()
            .map(|call| call.tool_name.clone());
        Ok(ChatResponse::Answered(Json(ChatAnswer {
            response: turn.assistant_message.content,
            conversation_id: turn.run.conversation_id.uuid(),
            metadata: ChatMetadata {
                intent: Intent::of(tool_called.as_deref()),
                tool_called: tool_called.into(),
                execution_time_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
        })))
    }

    /// Send a message, with the tools that were called in the answer
    #[oai(path = "/chat", method = "post", operation_id = "chatWithTools")]
    async fn chat_with_tools(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        body: Json<ChatRequest>,
    ) -> Result<ToolChatResponse, ApiError> {
        tool_chat(&state, &caller.0, body.0).await
    }

    /// Send a message as the user in the path
    ///
    /// The same as `chatWithTools`; the user must be the token's.
    #[oai(path = "/:user_id/chat", method = "post", operation_id = "chatAsUser")]
    async fn chat_as_user(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The user: the token's.
        user_id: Path<String>,
        body: Json<ChatRequest>,
    ) -> Result<ToolChatResponse, ApiError> {
        if user_id.0 != caller.0.user_id().as_str() {
            return Err(ApiError::OtherUser);
        }
        tool_chat(&state, &caller.0, body.0).await
    }
}

async fn tool_chat(
    state: &ApiState,
    caller: &Caller,
    request: ChatRequest,
) -> Result<ToolChatResponse, ApiError> {
    let turn = turn(state, caller, request).await?;
    let called = turn.run.tool_calls.into_iter().map(|call| CalledTool {
        name: call.tool_name,
        arguments: JsonObject(call.arguments),
    });
    Ok(ToolChatResponse::Answered(Json(ToolChatAnswer {
        conversation_id: turn.run.conversation_id.uuid(),
        response: turn.assistant_message.content,
        tool_calls: called.collect(),
    })))
}

async fn turn(
    state: &ApiState,
    caller: &Caller,
    request: ChatRequest,
) -> Result<FinishedTurn, ApiError> {
    let text =
        MessageText::parse(request.message).map_err(|error| ApiError::invalid("message", error))?;
    let target = match request.conversation_id {
        None => RunTarget::New {
            id: state.clock().id(),
            earlier: Vec::new(),
        },
        Some(ConversationRef(id)) => RunTarget::Existing(
            id.parse()
                .map_err(|_| ApiError::NotFound(Resource::Conversation))?,
        ),
    };
    shell::conversation(target.conversation_id().uuid());
    let start = StartRun {
        target,
        input: StartInput::Say(text, None),
        dialect: Dialect::Chat,
        idempotency: None,
        options: RunOptions::default(),
    };
    take_turn(state, caller, start).await
}
