//! Stores the items and conversation changes that a run writes before its end.

use chatkit_domain::{
    ConversationChanges, ConversationId, DisplayItem, Item, ItemId, ItemWrite, RepositoryError,
    Role, RunFence, RunId, StoreItems, StoredItems,
};
use chatkit_protocol::ItemKind;
use chrono::{DateTime, Utc};
use sea_orm::Set;
use serde_json::{Value, json};

use super::{
    Database,
    conversation_row::{DisplayColumn, column_of},
    entity::message,
    error::repository_error,
    item_columns::ItemColumns,
    locked::LockedConversation,
    natural, stored,
};

impl Database {
    pub(super) async fn store_items_of_run(
        &self,
        fence: RunFence,
        items: StoreItems,
    ) -> Result<StoredItems, RepositoryError> {
        let StoreItems {
            put: writes,
            remove,
            changes,
            now,
        } = items;
        let transaction = self.write().await?;
        let mut conversation = self.own(&transaction, fence).await?;
        let mut items = Vec::new();
        for ItemWrite { id, content } in writes {
            let content = ItemColumns::of(content);
            content.check_size()?;
            items.push(put(&mut conversation, fence.run_id, id, content, now).await?);
        }
        let mut removed_messages = Vec::new();
        for id in remove {
            if remove_item(&mut conversation, id, now).await? {
                removed_messages.push(id);
            }
        }
        change(&mut conversation, changes, now)?;
        let conversation = conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(StoredItems {
            items,
            removed_messages,
            conversation: conversation.try_into()?,
        })
    }
}

/// Appends an item, or replaces the content of an existing item with the same id.
pub(super) async fn put(
    conversation: &mut LockedConversation<'_>,
    run_id: RunId,
    id: ItemId,
    mut content: ItemColumns,
    now: DateTime<Utc>,
) -> Result<Item, RepositoryError> {
    let display = content.display.take();
    let known = row_of(conversation, id).await?;
    let was_there = known.as_ref().is_some_and(|row| row.removed_at.is_none());
    let row = match known {
        Some(row)
            if row.kind != content.kind
                || row.role.as_deref() != content.role.map(Role::as_str) =>
        {
            return Err(RepositoryError::WrongMessage);
        }
        Some(row) => content.replace(conversation, row).await?,
        None => {
            let (sequence_number, created_at) = conversation.next_place(now);
            let place = (id, stored(sequence_number), created_at);
            content.insert(conversation, run_id, place).await?
        }
    };
    if row.is_message() && !was_there {
        let conversation = conversation.row();
        conversation.message_count += 1;
        conversation.updated_at = conversation.updated_at.max(now).max(row.created_at);
    }
    match display {
        // The parsed content is available, so do not parse it again.
        Some(kind) => Ok(Item::Display(display_item(&row, kind))),
        None => row.try_into(),
    }
}

fn display_item(row: &message::Model, kind: ItemKind) -> DisplayItem {
    DisplayItem {
        id: ItemId::new(row.id),
        conversation_id: ConversationId::new(row.conversation_id),
        sequence_number: natural(row.sequence_number),
        kind,
        run_id: row.run_id.map(RunId::new),
        created_at: row.created_at,
    }
}

/// Stores an unfinished answer. Does nothing if the id is taken, which must not fail the run: the
/// answer may be stored or removed already, or the id may belong to another item.
pub(super) async fn put_partial_answer(
    conversation: &mut LockedConversation<'_>,
    run_id: RunId,
    write: ItemWrite,
    now: DateTime<Utc>,
) -> Result<(), RepositoryError> {
    match row_of(conversation, write.id).await {
        Ok(None) => {
            let content = ItemColumns::of(write.content);
            put(conversation, run_id, write.id, content, now)
                .await
                .map(|_| ())
        }
        Ok(Some(_)) | Err(RepositoryError::WrongMessage) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Permanently removes an item from the history. Returns whether it was a message.
async fn remove_item(
    conversation: &mut LockedConversation<'_>,
    id: ItemId,
    now: DateTime<Utc>,
) -> Result<bool, RepositoryError> {
    let row = row_of(conversation, id).await?;
    let Some(row) = row.filter(|row| row.removed_at.is_none()) else {
        return Ok(false);
    };
    if row.role.as_deref() == Some(Role::User.as_str()) {
        return Err(RepositoryError::WrongMessage);
    }
    let removed = message::ActiveModel {
        removed_at: Set(Some(now)),
        ..Default::default()
    };
    conversation.update_item(id, removed).await?;
    conversation.row().message_count -= i64::from(row.is_message());
    Ok(row.is_message())
}

/// Finds the item with this id.
///
/// # Errors
/// [`RepositoryError::WrongMessage`] if it is in another conversation.
async fn row_of(
    conversation: &mut LockedConversation<'_>,
    id: ItemId,
) -> Result<Option<message::Model>, RepositoryError> {
    let row = message::select_by_id(id.uuid())
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
        display.status = status.into();
    }
    if let Some(domains) = image_domains {
        display.image_domains = domains;
    }
    row.display = (display != DisplayColumn::default()).then(|| json!(display));
    Ok(())
}
