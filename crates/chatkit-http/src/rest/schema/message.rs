//! A message on the wire.

use chatkit_domain::{Feedback, Id, IncompleteReason, MessageStatus, Role};
use poem_openapi::{Object, types::Example};
use serde::Serialize;
use uuid::Uuid;

use super::run::ToolCall;
use crate::{
    contract::examples::{example_id, example_time},
    payload::{Named, Nullable, Timestamp, publish},
};

publish! {
    Role, "Role", "The author of a message.";
    MessageStatus, "MessageStatus", "Whether a message is complete. `incomplete_reason` says why it is not.";
    IncompleteReason, "IncompleteReason", "The reason why an answer is incomplete. `cancelled`: the user stopped it. `interrupted`: the server stopped. `failed`: the model or the run failed. `length`: the model reached its length limit. `content_filter`: the model's filter withheld the rest.";
    Feedback, "Feedback", "A rating of an answer.";
}

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
    role: Named<Role>,
    /// The text. The assistant's text is Markdown.
    pub(crate) content: String,
    /// Whether the message is complete.
    status: Named<MessageStatus>,
    /// The reason why an answer is incomplete; null if it is complete. Also null for incomplete answers
    /// that an older version stored.
    incomplete_reason: Nullable<Named<IncompleteReason>>,
    /// The reasoning that the model showed before and between its text; null if it showed none.
    reasoning: Nullable<String>,
    /// The tool calls of the answer, in order; null if there are none.
    tool_calls: Nullable<Vec<ToolCall>>,
    /// The user's rating; null if there is none.
    feedback: Nullable<Named<Feedback>>,
    /// The id of the run that the message started, or that produced it.
    run_id: Nullable<Uuid>,
    /// The model that produced the answer; null for messages of the user.
    model: Nullable<String>,
    /// The input and output tokens of the whole run.
    tokens_used: Nullable<u64>,
    /// The time at which the message was stored.
    created_at: Timestamp,
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
            role: role.into(),
            content: content.to_owned(),
            status: MessageStatus::Completed.into(),
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
            role: role.into(),
            content,
            status: status.into(),
            incomplete_reason: incomplete_reason.map(Named).into(),
            reasoning: reasoning.into(),
            tool_calls: Some(tool_calls).filter(|calls| !calls.is_empty()).into(),
            feedback: feedback.map(Named).into(),
            run_id: run_id.map(Id::uuid).into(),
            model: model.into(),
            tokens_used: tokens_used.into(),
            created_at: created_at.into(),
        }
    }
}
