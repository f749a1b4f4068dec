//! The columns of an item that a run writes.

use chatkit_domain::{
    IncompleteReason, ItemContent, ItemId, MAX_ITEM_BYTES, MessageDetails, MessageStatus,
    RepositoryError, Role, RunId, fold, replace_nul,
};
use chatkit_protocol::ItemKind;
use chrono::{DateTime, Utc};
use sea_orm::Set;
use serde_json::Value;

use super::{
    entity::message,
    item_row::{body_of, text_of},
    locked::LockedConversation,
};

/// The columns that hold the content of an item.
pub(super) struct ItemColumns {
    pub(super) kind: &'static str,
    pub(super) role: Option<Role>,
    content: String,
    body: Option<Value>,
    search_text: Option<String>,
    incomplete_reason: Option<IncompleteReason>,
    /// The content of a display item, so that it is not parsed again.
    pub(super) display: Option<ItemKind>,
}

impl ItemColumns {
    pub(super) fn of(content: ItemContent) -> Self {
        let blank = Self {
            kind: message::HIDDEN_CONTEXT,
            role: None,
            content: String::new(),
            body: None,
            search_text: None,
            incomplete_reason: None,
            display: None,
        };
        match content {
            ItemContent::HiddenContext(note) => Self {
                content: replace_nul(note),
                ..blank
            },
            ItemContent::Display(kind) => Self {
                kind: kind.type_name(),
                content: text_of(&kind),
                display: Some(kind),
                ..blank
            },
            ItemContent::Answer {
                parts,
                incomplete_reason,
            } => {
                let text = parts.iter().map(|part| part.text.as_str()).collect();
                let text = replace_nul(text);
                let is_plain = matches!(&parts[..], [part] if part.annotations.is_empty());
                let details = MessageDetails::Assistant { content: parts };
                Self {
                    kind: message::MESSAGE,
                    role: Some(Role::Assistant),
                    search_text: Some(fold(&text)),
                    content: text,
                    body: (!is_plain).then(|| body_of(&details)),
                    incomplete_reason,
                    display: None,
                }
            }
        }
    }

    /// Checks that the content has at most [`MAX_ITEM_BYTES`].
    pub(super) fn check_size(&self) -> Result<(), RepositoryError> {
        let body = self.body.as_ref().map(|body| body.to_string().len());
        if self.content.len().max(body.unwrap_or_default()) > MAX_ITEM_BYTES {
            return Err(RepositoryError::TooLarge);
        }
        Ok(())
    }

    const fn status(&self) -> MessageStatus {
        match self.incomplete_reason {
            Some(_) => MessageStatus::Incomplete,
            None => MessageStatus::Completed,
        }
    }

    pub(super) async fn insert(
        self,
        conversation: &mut LockedConversation<'_>,
        run_id: RunId,
        (id, sequence_number, created_at): (ItemId, i64, DateTime<Utc>),
    ) -> Result<message::Model, RepositoryError> {
        let status = self.status();
        let Self {
            kind,
            role,
            content,
            body,
            search_text,
            incomplete_reason,
            display: _,
        } = self;
        let row = message::Model {
            id: id.uuid(),
            conversation_id: conversation.row().id,
            sequence_number,
            kind: kind.to_owned(),
            role: role.map(|role| role.as_str().to_owned()),
            content,
            body,
            search_text,
            status: status.as_str().to_owned(),
            incomplete_reason: incomplete_reason.map(|reason| reason.as_str().to_owned()),
            reasoning: None,
            is_withheld: false,
            run_id: Some(run_id.uuid()),
            model: None,
            tokens_used: None,
            feedback: None,
            created_at,
            has_tool_calls: false,
            removed_at: None,
            removed_by: None,
        };
        conversation.insert(row.clone()).await?;
        Ok(row)
    }

    pub(super) async fn replace(
        self,
        conversation: &LockedConversation<'_>,
        row: message::Model,
    ) -> Result<message::Model, RepositoryError> {
        let status = self.status().as_str().to_owned();
        let Self {
            kind: _,
            role: _,
            content,
            body,
            search_text,
            incomplete_reason,
            display: _,
        } = self;
        let incomplete_reason = incomplete_reason.map(|reason| reason.as_str().to_owned());
        let changes = message::ActiveModel {
            content: Set(content.clone()),
            body: Set(body.clone()),
            search_text: Set(search_text),
            status: Set(status.clone()),
            incomplete_reason: Set(incomplete_reason.clone()),
            removed_at: Set(None),
            removed_by: Set(None),
            ..Default::default()
        };
        conversation
            .update_item(ItemId::new(row.id), changes)
            .await?;
        Ok(message::Model {
            content,
            body,
            status,
            incomplete_reason,
            removed_at: None,
            removed_by: None,
            ..row
        })
    }
}
