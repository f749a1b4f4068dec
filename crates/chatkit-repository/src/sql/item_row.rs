//! Converts between rows of messages and the items of the domain.

use chatkit_domain::{
    ConversationId, DisplayItem, Feedback, HiddenContext, Id, IncompleteReason, Item, ItemId,
    Message, MessageDetails, MessageStatus, RepositoryError, Role, RunId, UnreadableItem, fold,
    replace_escaped_nul,
};
use chatkit_protocol::UserMessageContent;
use sea_orm::prelude::Json;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{entity::message, error::corrupt, natural, stored};

/// Converts without the tool calls, which are in a table of their own.
impl TryFrom<message::Model> for Item {
    type Error = RepositoryError;

    fn try_from(row: message::Model) -> Result<Self, RepositoryError> {
        let id = ItemId::new(row.id);
        let conversation_id = ConversationId::new(row.conversation_id);
        let sequence_number = natural(row.sequence_number);
        let run_id = row.run_id.map(RunId::new);
        match row.kind.as_str() {
            message::MESSAGE => row.try_into().map(Self::Message),
            message::HIDDEN_CONTEXT => Ok(Self::HiddenContext(HiddenContext {
                id,
                conversation_id,
                sequence_number,
                content: row.content,
                run_id,
                created_at: row.created_at,
            })),
            kind => Ok(match serde_json::from_str(&row.content) {
                Ok(kind) => Self::Display(DisplayItem {
                    id,
                    conversation_id,
                    sequence_number,
                    kind,
                    run_id,
                    created_at: row.created_at,
                }),
                Err(error) => {
                    tracing::error!(item_id = %id, kind, %error, "could not read an item");
                    Self::Unreadable(UnreadableItem {
                        id,
                        sequence_number,
                    })
                }
            }),
        }
    }
}

/// Converts without the tool calls, which are in a table of their own.
impl TryFrom<message::Model> for Message {
    type Error = RepositoryError;

    fn try_from(row: message::Model) -> Result<Self, RepositoryError> {
        let message::Model {
            id,
            conversation_id,
            sequence_number,
            kind: _,
            role,
            content,
            body,
            search_text: _,
            status,
            incomplete_reason,
            reasoning,
            is_withheld,
            run_id,
            model,
            tokens_used,
            feedback,
            created_at,
            has_tool_calls: _,
            removed_at: _,
            removed_by: _,
        } = row;
        let role = role.as_deref().and_then(Role::parse);
        let role = role.ok_or_else(|| corrupt("a message without a role"))?;
        let status = MessageStatus::parse(&status);
        Ok(Self {
            id: ItemId::new(id),
            conversation_id: ConversationId::new(conversation_id),
            sequence_number: natural(sequence_number),
            role,
            details: body.map(|body| Box::new(details_of(role, &body, &content))),
            content,
            status: status.ok_or_else(|| corrupt("an unknown message status"))?,
            incomplete_reason: incomplete_reason
                .as_deref()
                .and_then(IncompleteReason::parse),
            reasoning,
            is_withheld,
            tool_calls: Vec::new(),
            feedback: feedback.as_deref().and_then(Feedback::parse),
            run_id: run_id.map(RunId::new),
            model,
            tokens_used: tokens_used.map(natural),
            created_at,
        })
    }
}

impl From<Message> for message::Model {
    fn from(message: Message) -> Self {
        let Message {
            id,
            conversation_id,
            sequence_number,
            role,
            content,
            details,
            status,
            incomplete_reason,
            reasoning,
            is_withheld,
            tool_calls: _,
            feedback,
            run_id,
            model,
            tokens_used,
            created_at,
        } = message;
        Self {
            id: id.uuid(),
            conversation_id: conversation_id.uuid(),
            sequence_number: stored(sequence_number),
            kind: message::MESSAGE.to_owned(),
            role: Some(role.as_str().to_owned()),
            search_text: Some(fold(&content)),
            content,
            body: details.map(|details| body_of(&details)),
            status: status.as_str().to_owned(),
            incomplete_reason: incomplete_reason.map(|reason| reason.as_str().to_owned()),
            reasoning,
            is_withheld,
            run_id: run_id.map(Id::uuid),
            model,
            tokens_used: tokens_used.map(stored),
            feedback: feedback.map(|feedback| feedback.as_str().to_owned()),
            created_at,
            has_tool_calls: false,
            removed_at: None,
            removed_by: None,
        }
    }
}

/// Returns the stored form of a message's details. The parts are stored as JSON text, because
/// PostgreSQL's `jsonb` would change the form of numbers.
pub(crate) fn body_of(details: &MessageDetails) -> Json {
    match details {
        MessageDetails::User {
            content,
            quoted_text,
            inference_options,
        } => json!({
            "parts": text_of(content),
            "quoted_text": quoted_text,
            "options": text_of(inference_options),
        }),
        MessageDetails::Assistant { content } => {
            json!({"parts": text_of(content), "quoted_text": null, "options": ""})
        }
    }
}

/// Serializes a value to JSON text that PostgreSQL can store. It cannot fail for these types,
/// because their keys are strings.
pub(crate) fn text_of(value: &impl Serialize) -> String {
    replace_escaped_nul(serde_json::to_string(value).unwrap_or_default())
}

/// Reads the stored details of a message. Parts that only a newer version can read are replaced by
/// the text of the message.
fn details_of(role: Role, body: &Json, text: &str) -> MessageDetails {
    match role {
        Role::User => MessageDetails::User {
            content: member_of(body, "parts").unwrap_or_else(|| {
                vec![UserMessageContent::InputText {
                    text: text.to_owned(),
                }]
            }),
            quoted_text: body["quoted_text"].as_str().map(str::to_owned),
            inference_options: member_of(body, "options").unwrap_or_default(),
        },
        Role::Assistant => MessageDetails::Assistant {
            content: member_of(body, "parts")
                .unwrap_or_else(|| vec![chatkit_protocol::OutputText::new(text)]),
        },
    }
}

fn member_of<T: DeserializeOwned>(body: &Json, name: &str) -> Option<T> {
    serde_json::from_str(body[name].as_str()?).ok()
}
