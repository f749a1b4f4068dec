//! A use of a tool within a run.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{ItemId, RunId, ToolCallId, values::named_values};

/// A use of a tool within a run, with its arguments and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// The call's id.
    pub id: ToolCallId,
    /// The run that used the tool.
    pub run_id: RunId,
    /// The message that shows the call. `None` until that message is stored.
    pub message_id: Option<ItemId>,
    /// The round of the run, from 0.
    pub round: u32,
    /// The position in the round, from 0.
    pub position: u32,
    /// The model's own id for the call.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// The arguments. Empty if the model did not send a JSON object.
    pub arguments: Map<String, Value>,
    /// The model's text if it is not a JSON object.
    pub arguments_text: Option<String>,
    /// The arguments byte for byte, as the model wrote them. `None` for calls that an older
    /// version stored.
    pub raw_arguments: Option<String>,
    /// The number of characters of the answer's text before the call. `None` for calls that
    /// an older version stored.
    pub content_offset: Option<u64>,
    /// Data that the model's server attached to the call and wants back, as JSON text that only
    /// the provider reads.
    pub provider_data: Option<String>,
    /// The tool's result.
    pub result: Option<Value>,
    /// The state.
    pub status: ToolCallStatus,
    /// The reason of a failure, as the model receives it.
    pub error_message: Option<String>,
    /// The duration of the call in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// The time at which the call was recorded, before the tool ran.
    pub created_at: DateTime<Utc>,
    /// The time at which the tool ended.
    pub completed_at: Option<DateTime<Utc>>,
}

named_values! {
    /// The state of a tool call.
    pub enum ToolCallStatus {
        /// The call waits for the user's approval.
        AwaitingApproval = "awaiting_approval",
        /// The tool runs.
        Running = "running",
        /// The tool returned a result.
        Success = "success",
        /// The tool failed, and the model received the reason.
        Error = "error",
        /// The user did not approve the call.
        Denied = "denied",
        /// The run ended while the tool ran.
        Cancelled = "cancelled",
        /// The process died or lost its lease while the tool ran. The effect is not known.
        Unknown = "unknown",
    }
}

impl ToolCall {
    /// A call that is recorded before its tool runs.
    #[must_use]
    pub fn started(new: NewToolCall, run_id: RunId, now: DateTime<Utc>) -> Self {
        let NewToolCall {
            id,
            round,
            position,
            call_id,
            tool_name,
            arguments,
            arguments_text,
            raw_arguments,
            content_offset,
            provider_data,
        } = new;
        Self {
            id,
            run_id,
            message_id: None,
            round,
            position,
            call_id,
            tool_name,
            arguments,
            arguments_text,
            raw_arguments: Some(raw_arguments),
            content_offset: Some(content_offset),
            provider_data,
            result: None,
            status: ToolCallStatus::Running,
            error_message: None,
            execution_time_ms: None,
            created_at: now,
            completed_at: None,
        }
    }

    /// The call with its outcome.
    #[must_use]
    pub fn finished(self, outcome: ToolCallOutcome, now: DateTime<Utc>) -> Self {
        let ToolCallOutcome {
            id: _,
            status,
            result,
            error_message,
            execution_time_ms,
        } = outcome;
        Self {
            status,
            result,
            error_message,
            execution_time_ms: Some(execution_time_ms),
            completed_at: Some(now),
            ..self
        }
    }

    /// The call as it was when it was recorded.
    #[must_use]
    pub fn as_started(&self) -> Self {
        Self {
            message_id: None,
            result: None,
            status: ToolCallStatus::Running,
            error_message: None,
            execution_time_ms: None,
            completed_at: None,
            ..self.clone()
        }
    }

    /// The call as it was when its tool ended, before the answer was stored.
    #[must_use]
    pub fn without_message(&self) -> Self {
        Self {
            message_id: None,
            ..self.clone()
        }
    }

    /// Whether the completion of the call is emitted as an event. Other calls are settled by the
    /// end of the run.
    #[must_use]
    pub fn is_emitted_as_completed(&self) -> bool {
        matches!(self.status, ToolCallStatus::Success | ToolCallStatus::Error)
    }
}

/// A tool call that is about to run.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToolCall {
    /// The call's id.
    pub id: ToolCallId,
    /// The round of the run, from 0.
    pub round: u32,
    /// The position in the round, from 0.
    pub position: u32,
    /// The model's own id for the call.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// The arguments. Empty if the model did not send a JSON object.
    pub arguments: Map<String, Value>,
    /// The model's text if it is not a JSON object.
    pub arguments_text: Option<String>,
    /// The arguments byte for byte, as the model wrote them.
    pub raw_arguments: String,
    /// The number of characters of the answer's text before the call.
    pub content_offset: u64,
    /// Data that the model's server attached to the call and wants back, as JSON text.
    pub provider_data: Option<String>,
}

/// The end of a tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCallOutcome {
    /// The call.
    pub id: ToolCallId,
    /// `Success`, `Error` or `Cancelled`.
    pub status: ToolCallStatus,
    /// The tool's result.
    pub result: Option<Value>,
    /// The reason of a failure, as the model receives it.
    pub error_message: Option<String>,
    /// The duration of the call in milliseconds.
    pub execution_time_ms: u64,
}
