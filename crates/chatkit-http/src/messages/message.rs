//! A message as it is shown.

use chatkit_domain::Id;
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    document::{example_id, example_time},
    payload::{Nullable, Timestamp},
    runs::ToolCall,
};

/// What the user or the assistant said.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Message {
    /// Its id.
    pub(crate) id: Uuid,
    /// The conversation it stands in.
    conversation_id: Uuid,
    /// Its place in the conversation; numbers rise and may have gaps.
    sequence_number: u64,
    /// Who said it.
    role: Role,
    /// What was said; the assistant's is Markdown.
    pub(crate) content: String,
    /// Whether the message is complete.
    status: MessageStatus,
    /// Why an answer is incomplete; null if it is complete. Also null for incomplete answers that
    /// an older version stored.
    incomplete_reason: Nullable<IncompleteReason>,
    /// The reasoning that the model showed before and between its text; null if it showed none.
    reasoning: Nullable<String>,
    /// The tools that the assistant used, in its order; null where it used none.
    tool_calls: Nullable<Vec<ToolCall>>,
    /// How the user rated it.
    feedback: Nullable<Feedback>,
    /// The run that it began or came from.
    run_id: Nullable<Uuid>,
    /// The model that answered.
    model: Nullable<String>,
    /// Tokens of the whole run, input and output.
    tokens_used: Nullable<u64>,
    /// When it was stored.
    created_at: Timestamp,
}

/// Who said a message.
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

/// How a user rated an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case", try_from = "String")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Feedback {
    Positive,
    Negative,
}

/// A variant's name and nothing else: by itself serde would take an object around it too.
impl TryFrom<String> for Feedback {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "positive" => Ok(Self::Positive),
            "negative" => Ok(Self::Negative),
            _ => Err("must be positive, negative or null"),
        }
    }
}

impl Message {
    /// A user's message, for examples.
    pub(crate) fn user_example() -> Self {
        Self::example_of(Role::User, "Add a task to buy groceries", 2)
    }

    pub(super) fn example_of(role: Role, content: &str, index: u128) -> Self {
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
