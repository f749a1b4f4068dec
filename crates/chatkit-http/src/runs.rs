//! `/api/chat/conversations/{conversation_id}/runs`.

use chatkit_domain::{Id, RepositoryError, RunId};
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Path, types::Example};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::Authenticated,
    document::{Tags, example_id, example_time},
    payload::{Json, JsonObject, JsonValue, Nullable, Timestamp},
    problem::{ApiError, Resource},
    shell,
    state::ApiState,
};

/// One attempt of the agent to answer.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: Uuid,
    /// The conversation it answers in.
    conversation_id: Uuid,
    /// Where it stands.
    status: RunStatus,
    /// The message it answers.
    user_message_id: Nullable<Uuid>,
    /// The answer: known from the beginning, null when the run ended without one.
    assistant_message_id: Nullable<Uuid>,
    /// The model that answers.
    model: Nullable<String>,
    /// What it cost, once it ended.
    usage: Nullable<Usage>,
    /// Why it failed.
    error: Nullable<RunError>,
    /// The tools it used, in the model's order.
    tool_calls: Vec<ToolCall>,
    /// When it was created.
    created_at: Timestamp,
    /// When the agent took it up.
    started_at: Nullable<Timestamp>,
    /// When it ended.
    ended_at: Nullable<Timestamp>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    Queued,
    Running,
    AwaitingApproval,
    Completed,
    Failed,
    Cancelled,
}

/// What a run cost, in tokens.
#[derive(Clone, Copy, Debug, Serialize, Object)]
pub(crate) struct Usage {
    /// Tokens given to the model, over all its rounds.
    input_tokens: u64,
    /// Tokens the model produced.
    output_tokens: u64,
    /// Both together.
    total_tokens: u64,
    /// Whether they are a guess (characters / 4), as the model's server sent no numbers.
    estimated: bool,
}

/// Why a run failed.
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct RunError {
    /// What kind of failure, for programs.
    code: String,
    /// One plain sentence that may be shown to a user.
    message: String,
}

/// One use of a tool.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ToolCall {
    /// Its id.
    id: Uuid,
    /// The tool's name.
    pub(crate) tool_name: String,
    /// What the tool was called with; empty when the model sent no JSON object.
    pub(crate) arguments: JsonObject,
    /// What the model sent where it was no JSON object.
    arguments_text: Nullable<String>,
    /// What the tool gave back.
    result: Nullable<JsonValue>,
    /// Where it stands.
    status: ToolCallStatus,
    /// Why it failed.
    error_message: Nullable<String>,
    /// How long the tool took, in milliseconds.
    execution_time_ms: Nullable<u64>,
    /// When the call began.
    timestamp: Timestamp,
}

/// Where a tool call stands; `unknown` when the server stopped while the tool ran.
#[derive(Clone, Copy, Debug, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum ToolCallStatus {
    AwaitingApproval,
    Running,
    Success,
    Error,
    Denied,
    Cancelled,
    Unknown,
}

impl Example for Run {
    fn example() -> Self {
        Self {
            id: example_id(4),
            conversation_id: example_id(1),
            status: RunStatus::Completed,
            user_message_id: Some(example_id(2)).into(),
            assistant_message_id: Some(example_id(3)).into(),
            model: Some("rules".to_owned()).into(),
            usage: Some(Usage {
                input_tokens: 28,
                output_tokens: 10,
                total_tokens: 38,
                estimated: true,
            })
            .into(),
            error: None.into(),
            tool_calls: vec![ToolCall::example()],
            created_at: example_time(59),
            started_at: Some(example_time(59)).into(),
            ended_at: Some(example_time(60)).into(),
        }
    }
}

impl Example for ToolCall {
    fn example() -> Self {
        let arguments = json!({"title": "Buy groceries"});
        let result = json!({"task": {
            "number": 1, "title": "Buy groceries", "description": null, "completed": false
        }});
        Self {
            id: example_id(5),
            tool_name: "add_task".to_owned(),
            arguments: JsonObject(arguments.as_object().cloned().unwrap_or_default()),
            arguments_text: None.into(),
            result: Some(JsonValue(result)).into(),
            status: ToolCallStatus::Success,
            error_message: None.into(),
            execution_time_ms: Some(2).into(),
            timestamp: example_time(59),
        }
    }
}

impl From<chatkit_domain::Run> for Run {
    fn from(run: chatkit_domain::Run) -> Self {
        let chatkit_domain::Run {
            id,
            conversation_id,
            status,
            user_message_id,
            assistant_message_id,
            model,
            usage,
            error,
            tool_calls,
            created_at,
            started_at,
            ended_at,
        } = run;
        Self {
            id: id.uuid(),
            conversation_id: conversation_id.uuid(),
            status: match status {
                chatkit_domain::RunStatus::Queued => RunStatus::Queued,
                chatkit_domain::RunStatus::Running => RunStatus::Running,
                chatkit_domain::RunStatus::AwaitingApproval => RunStatus::AwaitingApproval,
                chatkit_domain::RunStatus::Completed => RunStatus::Completed,
                chatkit_domain::RunStatus::Failed => RunStatus::Failed,
                chatkit_domain::RunStatus::Cancelled => RunStatus::Cancelled,
            },
            user_message_id: user_message_id.map(Id::uuid).into(),
            assistant_message_id: assistant_message_id.map(Id::uuid).into(),
            model: model.into(),
            usage: usage.map(Usage::from).into(),
            error: error
                .map(|error| RunError {
                    code: error.code.as_str().to_owned(),
                    message: error.message,
                })
                .into(),
            tool_calls: tool_calls.into_iter().map(ToolCall::from).collect(),
            created_at: created_at.into(),
            started_at: started_at.map(Timestamp).into(),
            ended_at: ended_at.map(Timestamp).into(),
        }
    }
}

impl From<chatkit_domain::Usage> for Usage {
    fn from(usage: chatkit_domain::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            estimated: usage.estimated,
        }
    }
}

impl From<chatkit_domain::ToolCall> for ToolCall {
    fn from(call: chatkit_domain::ToolCall) -> Self {
        let chatkit_domain::ToolCall {
            id,
            run_id: _,
            message_id: _,
            round: _,
            position: _,
            call_id: _,
            tool_name,
            arguments,
            arguments_text,
            result,
            status,
            error_message,
            execution_time_ms,
            created_at,
            completed_at: _,
        } = call;
        use chatkit_domain::ToolCallStatus as Status;
        Self {
            id: id.uuid(),
            tool_name,
            arguments: JsonObject(arguments),
            arguments_text: arguments_text.into(),
            result: result.map(JsonValue).into(),
            status: match status {
                Status::AwaitingApproval => ToolCallStatus::AwaitingApproval,
                Status::Running => ToolCallStatus::Running,
                Status::Success => ToolCallStatus::Success,
                Status::Error => ToolCallStatus::Error,
                Status::Denied => ToolCallStatus::Denied,
                Status::Cancelled => ToolCallStatus::Cancelled,
                Status::Unknown => ToolCallStatus::Unknown,
            },
            error_message: error_message.into(),
            execution_time_ms: execution_time_ms.into(),
            timestamp: created_at.into(),
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum RunResponse {
    /// The run.
    #[oai(status = 200)]
    Found(Json<Run>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Runs")]
impl RunsApi {
    /// Get a run
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id",
        method = "get",
        operation_id = "getRun"
    )]
    async fn get(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// The run.
        run_id: Path<Uuid>,
    ) -> Result<RunResponse, ApiError> {
        let conversation = shell::conversation(conversation_id.0);
        let runs = &state.repositories().runs;
        let run = runs
            .get(&caller.0, conversation, RunId::new(run_id.0))
            .await
            .map_err(|error| match error {
                RepositoryError::NotFound => ApiError::NotFound(Resource::Run),
                error => error.into(),
            })?;
        Ok(RunResponse::Found(Json(run.into())))
    }
}
