//! The short forms of a turn: one request, one answer.

use std::time::Instant;

use chatkit_agent::{StartInput, StartRun};
use chatkit_domain::{Caller, Dialect, MessageText, Resource, RunTarget};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Path, types::Example};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::extract::Call;
use crate::{
    contract::{examples::example_id, tags::Tags},
    middleware::notes,
    payload::{ConversationRef, Json, JsonObject, Nullable},
    problem::{ApiError, TurnError},
    state::ApiState,
    turns::{CompletedTurn, take_turn},
};

/// A message for an existing conversation or for a new one.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct ChatRequest {
    /// The text: 1 to 10,000 characters, without counting white space around it.
    #[oai(validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"))]
    message: String,
    /// The id of the conversation to continue. Null or missing for a new conversation.
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

/// An answer with the intent of the message.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ChatAnswer {
    /// The assistant's text.
    response: String,
    /// The id of the conversation, to continue it.
    conversation_id: Uuid,
    /// Details of the turn.
    metadata: ChatMetadata,
}

/// Details of a turn.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ChatMetadata {
    /// The intent of the message, derived from the first tool call.
    intent: Intent,
    /// The name of the first tool that was called; null if there is none.
    tool_called: Nullable<String>,
    /// The duration of the turn in milliseconds.
    execution_time_ms: u64,
}

/// The intent of a message: the kind of task tool that was called, or `CHAT` without one.
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

/// An answer with the tools that were called.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ToolChatAnswer {
    /// The id of the conversation, to continue it.
    conversation_id: Uuid,
    /// The assistant's text.
    response: String,
    /// The tool calls, in order.
    tool_calls: Vec<CalledTool>,
}

/// A tool that was called.
#[derive(Debug, Serialize, Object)]
pub(crate) struct CalledTool {
    /// The name of the tool.
    name: String,
    /// The arguments of the call.
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
    /// Send a message and get its intent with the answer
    #[oai(path = "/v1/chat", method = "post", operation_id = "chat")]
    async fn chat(
        &self,
        call: Call<'_>,
        body: Json<ChatRequest>,
    ) -> Result<ChatResponse, TurnError> {
        let started_at = Instant::now();
        let turn = turn(call.state, &call.caller, body.0).await?;
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
                execution_time_ms: u64::try_from(started_at.elapsed().as_millis())
                    .unwrap_or(u64::MAX),
            },
        })))
    }

    /// Send a message and get the tool calls with the answer
    #[oai(path = "/chat", method = "post", operation_id = "chatWithTools")]
    async fn chat_with_tools(
        &self,
        call: Call<'_>,
        body: Json<ChatRequest>,
    ) -> Result<ToolChatResponse, TurnError> {
        tool_chat(call.state, &call.caller, body.0).await
    }

    /// Send a message as the user in the path
    ///
    /// The same as `chatWithTools`. The user in the path must be the user of the token.
    #[oai(path = "/:user_id/chat", method = "post", operation_id = "chatAsUser")]
    async fn chat_as_user(
        &self,
        call: Call<'_>,
        /// The id of the token's user.
        user_id: Path<String>,
        body: Json<ChatRequest>,
    ) -> Result<ToolChatResponse, TurnError> {
        if user_id.0 != call.caller.user_id().as_str() {
            return Err(ApiError::OtherUser.into());
        }
        tool_chat(call.state, &call.caller, body.0).await
    }
}

async fn tool_chat(
    state: &ApiState,
    caller: &Caller,
    request: ChatRequest,
) -> Result<ToolChatResponse, TurnError> {
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
) -> Result<CompletedTurn, ApiError> {
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
    notes::conversation(target.conversation_id());
    let start = StartRun::new(target, StartInput::Message(text, None), Dialect::Chat);
    take_turn(state, caller, start).await
}
