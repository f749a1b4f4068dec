//! Between the rows of messages and the items of the domain.

use chatkit_domain::{
    ConversationId, Feedback, HiddenContext, IncompleteReason, Item, ItemId, Message,
    MessageDetails, MessageStatus, RepositoryError, Role, RunId, ShownItem, ShownKind, fold,
};
use sea_orm::{
    DerivePartialModel,
    prelude::{DateTimeUtc, Json, Uuid},
};
use serde_json::json;

use super::{entity::message, error::corrupt, natural, stored};

/// What is read of a message: not the second copy of its text that searches use.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "message::Entity")]
pub(crate) struct MessageRow {
    pub(crate) id: Uuid,
    pub(crate) conversation_id: Uuid,
    pub(crate) sequence_number: i64,
    pub(crate) kind: message::Kind,
    pub(crate) role: Option<message::Role>,
    pub(crate) content: String,
    pub(crate) body: Option<Json>,
    pub(crate) status: message::Status,
    pub(crate) incomplete_reason: Option<String>,
    pub(crate) reasoning: Option<String>,
    pub(crate) is_withheld: bool,
    pub(crate) run_id: Option<Uuid>,
    pub(crate) model: Option<String>,
    pub(crate) tokens_used: Option<i64>,
    pub(crate) feedback: Option<message::Feedback>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) has_tool_calls: bool,
    pub(crate) removed_at: Option<DateTimeUtc>,
}

pub(crate) fn feedback_column(feedback: Feedback) -> message::Feedback {
    match feedback {
        Feedback::Positive => message::Feedback::Positive,
        Feedback::Negative => message::Feedback::Negative,
    }
}

impl From<message::Model> for MessageRow {
    fn from(row: message::Model) -> Self {
        let message::Model {
            id,
            conversation_id,
            sequence_number,
            kind,
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
            has_tool_calls,
            removed_at,
            removed_by: _,
        } = row;
        Self {
            id,
            conversation_id,
            sequence_number,
            kind,
            role,
            content,
            body,
            status,
            incomplete_reason,
            reasoning,
            is_withheld,
            run_id,
            model,
            tokens_used,
            feedback,
            created_at,
            has_tool_calls,
            removed_at,
        }
    }
}

/// An item without what is kept of it elsewhere.
impl TryFrom<MessageRow> for Item {
    type Error = RepositoryError;

    fn try_from(row: MessageRow) -> Result<Self, RepositoryError> {
        let id = ItemId::new(row.id);
        let conversation_id = ConversationId::new(row.conversation_id);
        let sequence_number = natural(row.sequence_number);
        let run_id = row.run_id.map(RunId::new);
        let kind = match row.kind {
            message::Kind::Message => return row.try_into().map(Self::Message),
            message::Kind::HiddenContext => {
                return Ok(Self::HiddenContext(HiddenContext {
                    id,
                    conversation_id,
                    sequence_number,
                    content: row.content,
                    run_id,
                    created_at: row.created_at,
                }));
            }
            message::Kind::Widget => ShownKind::Widget,
            message::Kind::Workflow => ShownKind::Workflow,
            message::Kind::Task => ShownKind::Task,
            message::Kind::ClientToolCall => ShownKind::ClientToolCall,
            message::Kind::StructuredInput => ShownKind::StructuredInput,
            message::Kind::GeneratedImage => ShownKind::GeneratedImage,
            message::Kind::EndOfTurn => ShownKind::EndOfTurn,
        };
        Ok(Self::Shown(ShownItem {
            id,
            conversation_id,
            sequence_number,
            kind,
            body: row.content,
            run_id,
            created_at: row.created_at,
        }))
    }
}

pub(crate) fn kind_column(kind: ShownKind) -> message::Kind {
    match kind {
        ShownKind::Widget => message::Kind::Widget,
        ShownKind::Workflow => message::Kind::Workflow,
        ShownKind::Task => message::Kind::Task,
        ShownKind::ClientToolCall => message::Kind::ClientToolCall,
        ShownKind::StructuredInput => message::Kind::StructuredInput,
        ShownKind::GeneratedImage => message::Kind::GeneratedImage,
        ShownKind::EndOfTurn => message::Kind::EndOfTurn,
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = RepositoryError;

    fn try_from(row: MessageRow) -> Result<Self, RepositoryError> {
        let MessageRow {
            id,
            conversation_id,
            sequence_number,
            kind: _,
            role,
            content,
            body,
            status,
            incomplete_reason,
            reasoning,
            is_withheld,
            run_id,
            model,
            tokens_used,
            feedback,
            created_at,
            removed_at: _,
            has_tool_calls: _,
        } = row;
        Ok(Self {
            id: ItemId::new(id),
            conversation_id: ConversationId::new(conversation_id),
            sequence_number: natural(sequence_number),
            role: match role.ok_or_else(|| corrupt("a message without a role"))? {
                message::Role::User => Role::User,
                message::Role::Assistant => Role::Assistant,
            },
            content,
            details: body.map(details_of).map(Box::new),
            status: match status {
                message::Status::Completed => MessageStatus::Completed,
                message::Status::Incomplete => MessageStatus::Incomplete,
            },
            incomplete_reason: incomplete_reason
                .as_deref()
                .and_then(IncompleteReason::parse),
            reasoning,
            is_withheld,
            tool_calls: Vec::new(),
            feedback: feedback.map(|feedback| match feedback {
                message::Feedback::Positive => Feedback::Positive,
                message::Feedback::Negative => Feedback::Negative,
            }),
            run_id: run_id.map(RunId::new),
            model,
            tokens_used: tokens_used.map(natural),
            created_at,
        })
    }
}

pub(crate) fn status_column(status: MessageStatus) -> message::Status {
    match status {
        MessageStatus::Completed => message::Status::Completed,
        MessageStatus::Incomplete => message::Status::Incomplete,
    }
}

/// What a dialect keeps of a message, as it is stored.
pub(crate) fn body_of(details: MessageDetails) -> Json {
    let MessageDetails {
        parts,
        quoted_text,
        options,
    } = details;
    json!({"parts": parts, "quoted_text": quoted_text, "options": options})
}

fn details_of(body: Json) -> MessageDetails {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    MessageDetails {
        parts: text("parts").unwrap_or_default(),
        quoted_text: text("quoted_text"),
        options: text("options").unwrap_or_default(),
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
            kind: message::Kind::Message,
            role: Some(match role {
                Role::User => message::Role::User,
                Role::Assistant => message::Role::Assistant,
            }),
            search_text: Some(fold(&content)),
            content,
            body: details.map(|details| body_of(*details)),
            status: status_column(status),
            incomplete_reason: incomplete_reason.map(|reason| reason.as_str().to_owned()),
            reasoning,
            is_withheld,
            run_id: run_id.map(chatkit_domain::Id::uuid),
            model,
            tokens_used: tokens_used.map(stored),
            feedback: feedback.map(feedback_column),
            created_at,
            has_tool_calls: false,
            removed_at: None,
            removed_by: None,
        }
    }
}
