//! Runs and tool calls on the wire.

use chatkit_domain::{Id, RunStatus, ToolCallStatus};
use poem_openapi::{Object, types::Example};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    contract::examples::{example_id, example_time},
    payload::{JsonObject, JsonValue, Named, Nullable, Timestamp, publish},
};

publish! {
    RunStatus, "RunStatus", "The state of a run.";
    ToolCallStatus, "ToolCallStatus", "The state of a tool call. `unknown` means that the server stopped while the tool was running.";
}

/// One attempt of the agent to answer a message.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Run {
    /// The id.
    pub(crate) id: Uuid,
    /// The id of the conversation.
    pub(crate) conversation_id: Uuid,
    /// The state of the run.
    pub(crate) status: Named<RunStatus>,
    /// The id of the message that the run answers.
    pub(crate) user_message_id: Nullable<Uuid>,
    /// The id of the answer. It is known from the start; null if the run ended without an answer.
    pub(crate) assistant_message_id: Nullable<Uuid>,
    /// The model that answers.
    pub(crate) model: Nullable<String>,
    /// The tokens that the run used; null until it has ended.
    pub(crate) usage: Nullable<WireUsage>,
    /// The error of a failed run.
    pub(crate) error: Nullable<RunError>,
    /// The tool calls of the run, in order.
    pub(crate) tool_calls: Vec<ToolCall>,
    /// The time of creation.
    pub(crate) created_at: Timestamp,
    /// The time at which the agent started to work on it.
    pub(crate) started_at: Nullable<Timestamp>,
    /// The time at which the run ended.
    pub(crate) ended_at: Nullable<Timestamp>,
}

/// The tokens that a run used.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(rename = "Usage")]
pub(crate) struct WireUsage {
    /// The input tokens of all requests to the model.
    input_tokens: u64,
    /// The output tokens of all responses of the model.
    output_tokens: u64,
    /// The sum of `input_tokens` and `output_tokens`.
    total_tokens: u64,
    /// The input tokens that came from the provider's prompt cache; null if the model's server does
    /// not report them.
    cached_tokens: Nullable<u64>,
    /// Whether the counts are an estimate (characters / 4) because the model's server sent no valid
    /// counts.
    estimated: bool,
}

/// The error of a failed run.
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct RunError {
    /// The kind of failure, for programs.
    code: String,
    /// One plain sentence that may be shown to the user.
    message: String,
}

/// One use of a tool.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ToolCall {
    /// The id.
    id: Uuid,
    /// The name of the tool.
    pub(crate) tool_name: String,
    /// The arguments of the call; empty if the model did not send a JSON object.
    pub(crate) arguments: JsonObject,
    /// The arguments as the model sent them, if they are not a JSON object.
    arguments_text: Nullable<String>,
    /// The result of the tool.
    result: Nullable<JsonValue>,
    /// The state of the call.
    status: Named<ToolCallStatus>,
    /// The error of a failed call.
    error_message: Nullable<String>,
    /// The duration of the call in milliseconds.
    execution_time_ms: Nullable<u64>,
    /// The time at which the call started.
    timestamp: Timestamp,
    /// The position of the call in the message's content, in characters. Use it to show text and
    /// calls in order. Null for calls that an older version stored.
    content_offset: Nullable<u64>,
}

impl Example for Run {
    fn example() -> Self {
        Self {
            id: example_id(4),
            conversation_id: example_id(1),
            status: RunStatus::Completed.into(),
            user_message_id: Some(example_id(2)).into(),
            assistant_message_id: Some(example_id(3)).into(),
            model: Some("rules".to_owned()).into(),
            usage: Some(WireUsage {
                input_tokens: 28,
                output_tokens: 10,
                total_tokens: 38,
                cached_tokens: None.into(),
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
            status: ToolCallStatus::Success.into(),
            error_message: None.into(),
            execution_time_ms: Some(2).into(),
            timestamp: example_time(59),
            content_offset: Some(0).into(),
        }
    }
}

impl From<chatkit_domain::Run> for Run {
    fn from(run: chatkit_domain::Run) -> Self {
        let chatkit_domain::Run {
            id,
            conversation_id,
            dialect: _,
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
            status: status.into(),
            user_message_id: user_message_id.map(Id::uuid).into(),
            assistant_message_id: assistant_message_id.map(Id::uuid).into(),
            model: model.into(),
            usage: usage.map(WireUsage::from).into(),
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

impl From<chatkit_domain::Usage> for WireUsage {
    fn from(usage: chatkit_domain::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            cached_tokens: usage.cached_tokens.into(),
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
            raw_arguments: _,
            content_offset,
            provider_data: _,
            result,
            status,
            error_message,
            execution_time_ms,
            created_at,
            completed_at: _,
        } = call;
        Self {
            id: id.uuid(),
            tool_name,
            arguments: JsonObject(arguments),
            arguments_text: arguments_text.into(),
            result: result.map(JsonValue).into(),
            status: status.into(),
            error_message: error_message.into(),
            execution_time_ms: execution_time_ms.into(),
            timestamp: created_at.into(),
            content_offset: content_offset.into(),
        }
    }
}
