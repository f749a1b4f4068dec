//! A message on the wire.

use chatkit_domain::Id;
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::run::ToolCall;
use crate::{
    contract::examples::{example_id, example_time},
    payload::{Nullable, Timestamp},
};

/// A message of the user or the assistant.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Message {
    /// The id.
    pub(crate) id: Uuid,
    /// The id of the conversation.
    conversation_id: Uuid,
    /// The position in the conversation. Numbers increase and may have gaps.
    sequence_number: u64,
    /// The author of the message.
    role: Role,
    /// The text. The assistant's text is Markdown.
    pub(crate) content: String,
    /// Whether the message is complete.
    status: MessageStatus,
    /// The reason why an answer is incomplete; null if it is complete. Also null for incomplete answers
    /// that an older version stored.
    incomplete_reason: Nullable<IncompleteReason>,
    /// The reasoning that the model showed before and between its text; null if it showed none.
    reasoning: Nullable<String>,
    /// The tool calls of the answer, in order; null if there are none.
    tool_calls: Nullable<Vec<ToolCall>>,
    /// The user's rating; null if there is none.
    feedback: Nullable<Feedback>,
    /// The id of the run that the message started, or that produced it.
    run_id: Nullable<Uuid>,
    /// The model that produced the answer; null for messages of the user.
    model: Nullable<String>,
    /// The input and output tokens of the whole run.
    tokens_used: Nullable<u64>,
    /// The time at which the message was stored.
    created_at: Timestamp,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Role {
    User,
    Assistant,
}

/// Whether a message is complete. `incomplete_reason` says why it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum MessageStatus {
    Completed,
    Incomplete,
}

/// The reason why an answer is incomplete. `cancelled`: the user stopped it. `interrupted`: the
/// server stopped. `failed`: the model or the run failed. `length`: the model reached its length
/// limit. `content_filter`: the model's filter withheld the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum IncompleteReason {
    Cancelled,
    Interrupted,
    Failed,
    Length,
    ContentFilter,
}

impl From<chatkit_domain::IncompleteReason> for IncompleteReason {
    fn from(reason: chatkit_domain::IncompleteReason) -> Self {
        use chatkit_domain::IncompleteReason as Reason;
        match reason {
            Reason::Cancelled => Self::Cancelled,
            Reason::Interrupted => Self::Interrupted,
            Reason::Failed => Self::Failed,
            Reason::Length => Self::Length,
            Reason::ContentFilter => Self::ContentFilter,
        }
    }
}

/// A rating of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case", try_from = "String")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Feedback {
    Positive,
    Negative,
}

/// Accepts only the name: by itself, serde would also accept an object around it.
impl TryFrom<String> for Feedback {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "positive" => Ok(Self::Positive),
            "negative" => Ok(Self::Negative),
            _ => Err("must be positive, negative, or null"),
        }
    }
}

impl Message {
    /// A user's message for examples.
    pub(crate) fn user_example() -> Self {
        Self::example_of(Role::User, "Add a task to buy groceries", 2)
    }

    pub(crate) fn example_of(role: Role, content: &str, index: u128) -> Self {
        Self {
            id: example_id(index),
            conversation_id: example_id(1),
            sequence_number: u64::try_from(index - 1).unwrap_or_default(),
            role,
            content: content.to_owned(),
            status: MessageStatus::Completed,
            incomplete_reason: None.into(),
            reasoning: None.into(),
            tool_calls: (role == Role::Assistant)
                .then(|| vec![ToolCall::example()])
                .into(),
            feedback: None.into(),
            run_id: Some(example_id(4)).into(),
            model: (role == Role::Assistant).then(|| "rules".to_owned()).into(),
            tokens_used: (role == Role::Assistant).then_some(38).into(),
            created_at: example_time(60),
        }
    }
}

impl Example for Message {
    fn example() -> Self {
        Self::example_of(Role::Assistant, "Task created: Buy groceries (task 1).", 3)
    }
}

impl From<chatkit_domain::Message> for Message {
    fn from(message: chatkit_domain::Message) -> Self {
        let chatkit_domain::Message {
            id,
            conversation_id,
            sequence_number,
            role,
            content,
            details: _,
            status,
            incomplete_reason,
            reasoning,
            is_withheld: _,
            tool_calls,
            feedback,
            run_id,
            model,
            tokens_used,
            created_at,
        } = message;
        let tool_calls: Vec<_> = tool_calls.into_iter().map(ToolCall::from).collect();
        Self {
            id: id.uuid(),
            conversation_id: conversation_id.uuid(),
            sequence_number,
            role: match role {
                chatkit_domain::Role::User => Role::User,
                chatkit_domain::Role::Assistant => Role::Assistant,
            },
            content,
            status: match status {
                chatkit_domain::MessageStatus::Completed => MessageStatus::Completed,
                chatkit_domain::MessageStatus::Incomplete => MessageStatus::Incomplete,
            },
            incomplete_reason: incomplete_reason.map(IncompleteReason::from).into(),
            reasoning: reasoning.into(),
            tool_calls: Some(tool_calls).filter(|calls| !calls.is_empty()).into(),
            feedback: feedback
                .map(|feedback| match feedback {
                    chatkit_domain::Feedback::Positive => Feedback::Positive,
                    chatkit_domain::Feedback::Negative => Feedback::Negative,
                })
                .into(),
            run_id: run_id.map(Id::uuid).into(),
            model: model.into(),
            tokens_used: tokens_used.into(),
            created_at: created_at.into(),
        }
    }
}
