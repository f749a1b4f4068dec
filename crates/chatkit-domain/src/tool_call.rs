//! One use of a tool inside a run.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{ItemId, RunId, ToolCallId};

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
