//! What runs write before their end: items, and what changes of their conversation.

use chatkit_domain::{
    ConversationChanges, ConversationStatus, IncompleteReason, Item, ItemContent, ItemDraft,
    ItemId, KeepItems, KeptItems, MessageDetails, RepositoryError, RunFence, RunId, fold,
    replace_nul,
};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::{Value, json};

use super::{
    Database,
    conversation::{DisplayColumn, StatusColumn, column_of},
    entity::message,
    error::repository_error,
    locked::LockedConversation,
    message_row::{MessageRow, body_of, kind_column},
    stored,
};

impl Database {
    pub(super) async fn keep_items(
        &self,
        fence: RunFence,
        keep: KeepItems,
    ) -> Result<KeptItems, RepositoryError> {
        let KeepItems {
            put: drafts,
            remove,
            changes,
            now,
        } = keep;
        let transaction = self.write().await?;
        let mut conversation = self.own(&transaction, fence).await?;
        let mut items = Vec::new();
        for draft in drafts {
            items.push(put(&mut conversation, fence.run_id, draft, now).await?);
        }
        for id in remove {
            take_out(&mut conversation, id, now).await?;
        }
        change(&mut conversation, changes, now)?;
        let conversation = conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(KeptItems {
            items,
            conversation: conversation.try_into()?,
        })
    }
}

/// Appends an item, or gives the one that has its id another content.
pub(super) async fn put(
    conversation: &mut LockedConversation<'_>,
    run_id: RunId,
    draft: ItemDraft,
    now: DateTime<Utc>,
) -> Result<Item, RepositoryError> {
    let ItemDraft { id, content } = draft;
    let content = Columns::of(content);
    let known = row_of(conversation, id).await?;
    let was_there = known.as_ref().is_some_and(|row| row.removed_at.is_none());
    let row = match known {
        Some(row) if row.kind != content.kind || row.role != content.role => {
            return Err(RepositoryError::WrongMessage);
        }
        Some(row) => content.replace(conversation, row).await?,
        None => {
            let (sequence_number, created_at) = conversation.next_place(now);
            let place = (id, stored(sequence_number), created_at);
            content.insert(conversation, run_id, place).await?
        }
    };
    if row.kind == message::Kind::Message && !was_there {
        let conversation = conversation.row();
        conversation.message_count += 1;
        conversation.updated_at = conversation.updated_at.max(now).max(row.created_at);
    }
    row.try_into()
}

/// Keeps an answer that was begun, unless something has its id already: it was kept whole, or taken
/// back, and only that not told, or it was never the run's to write. No run lives on for that.
pub(super) async fn put_begun(
    conversation: &mut LockedConversation<'_>,
    run_id: RunId,
    draft: ItemDraft,
    now: DateTime<Utc>,
) -> Result<(), RepositoryError> {
    match row_of(conversation, draft.id).await {
        Ok(None) => put(conversation, run_id, draft, now).await.map(|_| ()),
        Ok(Some(_)) | Err(RepositoryError::WrongMessage) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes an item out of the history, for good.
async fn take_out(
    conversation: &mut LockedConversation<'_>,
    id: ItemId,
    now: DateTime<Utc>,
) -> Result<(), RepositoryError> {
    let row = row_of(conversation, id).await?;
    let Some(row) = row.filter(|row| row.removed_at.is_none()) else {
        return Ok(());
    };
    if row.role == Some(message::Role::User) {
        return Err(RepositoryError::WrongMessage);
    }
    let removed = message::ActiveModel {
        removed_at: Set(Some(now)),
        ..Default::default()
    };
    update(conversation, id, removed).await?;
    conversation.row().message_count -= i64::from(row.kind == message::Kind::Message);
    Ok(())
}

/// The item of this id, if there is one.
///
/// # Errors
/// [`RepositoryError::WrongMessage`] when it stands in another conversation.
async fn row_of(
    conversation: &mut LockedConversation<'_>,
    id: ItemId,
) -> Result<Option<MessageRow>, RepositoryError> {
    let row = message::Entity::find_by_id(id.uuid())
        .into_partial_model::<MessageRow>()
        .one(conversation.transaction)
        .await
        .map_err(repository_error)?;
    match row {
        Some(row) if row.conversation_id != conversation.row().id => {
            Err(RepositoryError::WrongMessage)
        }
        row => Ok(row),
    }
}

async fn update(
    conversation: &LockedConversation<'_>,
    id: ItemId,
    changes: message::ActiveModel,
) -> Result<(), RepositoryError> {
    message::Entity::update_many()
        .set(changes)
        .filter(message::Column::Id.eq(id.uuid()))
        .exec(conversation.transaction)
        .await
        .map_err(repository_error)?;
    Ok(())
}

fn change(
    conversation: &mut LockedConversation<'_>,
    changes: ConversationChanges,
    now: DateTime<Utc>,
) -> Result<(), RepositoryError> {
    let ConversationChanges {
        title,
        status,
        image_domains,
        metadata,
    } = changes;
    if let Some(title) = title {
        conversation.rename(&title, now);
    }
    let row = conversation.row();
    if let Some(metadata) = metadata {
        row.metadata = (!metadata.is_empty()).then_some(Value::Object(metadata));
    }
    let mut display: DisplayColumn = match row.display.take() {
        Some(display) => column_of(display)?,
        None => DisplayColumn::default(),
    };
    if let Some(status) = status {
        display.status = match status {
            ConversationStatus::Active => StatusColumn::Active,
            ConversationStatus::Locked { reason } => StatusColumn::Locked { reason },
            ConversationStatus::Closed { reason } => StatusColumn::Closed { reason },
        };
    }
    if let Some(domains) = image_domains {
        display.image_domains = domains;
    }
    row.display = (display != DisplayColumn::default()).then(|| json!(display));
    Ok(())
}

/// The columns that hold what an item is.
struct Columns {
    kind: message::Kind,
    role: Option<message::Role>,
    content: String,
    body: Option<Value>,
    search_text: Option<String>,
    incomplete_reason: Option<IncompleteReason>,
}

impl Columns {
    fn of(content: ItemContent) -> Self {
        let whole = Self {
            kind: message::Kind::HiddenContext,
            role: None,
            content: String::new(),
            body: None,
            search_text: None,
            incomplete_reason: None,
        };
        match content {
            ItemContent::HiddenContext(note) => Self {
                content: replace_nul(note),
                ..whole
            },
            ItemContent::Shown(kind, body) => Self {
                kind: kind_column(kind),
                content: replace_nul(body),
                ..whole
            },
            ItemContent::Answer {
                text,
                parts,
                incomplete_reason,
            } => {
                let details = |parts| MessageDetails {
                    parts,
                    ..MessageDetails::default()
                };
                let text = replace_nul(text);
                Self {
                    kind: message::Kind::Message,
                    role: Some(message::Role::Assistant),
                    search_text: Some(fold(&text)),
                    content: text,
                    body: parts.map(details).map(body_of),
                    incomplete_reason,
                }
            }
        }
    }

    const fn status(&self) -> message::Status {
        match self.incomplete_reason {
            Some(_) => message::Status::Incomplete,
            None => message::Status::Completed,
        }
    }

    async fn insert(
        self,
        conversation: &mut LockedConversation<'_>,
        run_id: RunId,
        (id, sequence_number, created_at): (ItemId, i64, DateTime<Utc>),
    ) -> Result<MessageRow, RepositoryError> {
        let status = self.status();
        let Self {
            kind,
            role,
            content,
            body,
            search_text,
            incomplete_reason,
        } = self;
        let row = message::Model {
            id: id.uuid(),
            conversation_id: conversation.row().id,
            sequence_number,
            kind,
            role,
            content,
            body,
            search_text,
            status,
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
        Ok(row.into())
    }

    async fn replace(
        self,
        conversation: &LockedConversation<'_>,
        row: MessageRow,
    ) -> Result<MessageRow, RepositoryError> {
        let status = self.status();
        let Self {
            kind: _,
            role: _,
            content,
            body,
            search_text,
            incomplete_reason,
        } = self;
        let incomplete_reason = incomplete_reason.map(|reason| reason.as_str().to_owned());
        let changes = message::ActiveModel {
            content: Set(content.clone()),
            body: Set(body.clone()),
            search_text: Set(search_text),
            status: Set(status),
            incomplete_reason: Set(incomplete_reason.clone()),
            removed_at: Set(None),
            removed_by: Set(None),
            ..Default::default()
        };
        update(conversation, ItemId::new(row.id), changes).await?;
        Ok(MessageRow {
            content,
            body,
            status,
            incomplete_reason,
            removed_at: None,
            ..row
        })
    }
}
