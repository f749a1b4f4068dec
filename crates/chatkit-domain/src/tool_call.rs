//! One use of a tool inside a run.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{ItemId, NewToolCall, RunId, ToolCallId, ToolCallOutcome};

/// One use of a tool, kept with everything that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Its id.
    pub id: ToolCallId,
    /// The run that used the tool.
    pub run_id: RunId,
    /// The message it is shown with, once there is one.
    pub message_id: Option<ItemId>,
    /// In which round of the run, from 0.
    pub round: u32,
    /// At which place of the round, from 0.
    pub position: u32,
    /// The model's own id for the call.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// What the tool was called with; empty when the model sent no JSON object.
    pub arguments: Map<String, Value>,
    /// What the model sent where it was no JSON object.
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
    /// What the tool gave back.
    pub result: Option<Value>,
    /// Where it stands.
    pub status: ToolCallStatus,
    /// Why it failed, as the model is told.
    pub error_message: Option<String>,
    /// How long the tool took, in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// When the call was recorded, before the tool ran.
    pub created_at: DateTime<Utc>,
    /// When the tool was done.
    pub completed_at: Option<DateTime<Utc>>,
}

/// Where a tool call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolCallStatus {
    /// Waiting for the user's approval.
    AwaitingApproval,
    /// The tool is at work.
    Running,
    /// It gave a result.
    Success,
    /// It failed, and the model was told why.
    Error,
    /// The user did not approve it.
    Denied,
    /// The run was stopped while it ran.
    Cancelled,
    /// The process died or lost its lease while it ran: nobody knows what it did.
    Unknown,
}

impl ToolCall {
    /// A call that has been recorded, before its tool runs.
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

    /// The call with what came of it.
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

    /// The call as it stood when it was recorded.
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

    /// The call as it stood when its tool was done, before there was an answer to show it with.
    #[must_use]
    pub fn as_told(&self) -> Self {
        Self {
            message_id: None,
            ..self.clone()
        }
    }

    /// Whether its tool was done before the run ended: a call that the end of the run settled is
    /// told with that.
    #[must_use]
    pub fn is_told(&self) -> bool {
        matches!(self.status, ToolCallStatus::Success | ToolCallStatus::Error)
    }
}
