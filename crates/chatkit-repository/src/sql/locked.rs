//! Writes to a conversation. Its row is locked first, so that the orders by sequence number, by
//! time and by commit are the same.

use chatkit_domain::{
    AnswerDraft, Caller, ConversationId, EarlierMessage, ItemId, Message, MessageDetails,
    MessageStatus, RepositoryError, Resource, Role, RunId, Title, automatic_title, fold,
    next_instant, replace_nul,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set,
};

use super::{
    entity::{conversation, message, run},
    error::repository_error,
    natural,
};

/// A conversation whose row is locked until the transaction ends.
pub(crate) struct LockedConversation<'a> {
    pub(super) transaction: &'a DatabaseTransaction,
    before: conversation::Model,
    pub(super) row: conversation::Model,
}

impl<'a> LockedConversation<'a> {
    /// Locks a conversation of the caller that is not deleted.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] with the resource that the caller asked for.
    pub(crate) async fn of_caller(
        transaction: &'a DatabaseTransaction,
        caller: &Caller,
        id: ConversationId,
        resource: Resource,
    ) -> Result<Self, RepositoryError> {
        let locked = Self::any(transaction, id)
            .await?
            .ok_or(RepositoryError::NotFound(resource))?;
        if locked.row.user_id == caller.user_id().as_str() && locked.row.deleted_at.is_none() {
            Ok(locked)
        } else {
            Err(RepositoryError::NotFound(resource))
        }
    }

    /// Locks a conversation, even a deleted one, for a run that already answers in it.
    pub(crate) async fn any(
        transaction: &'a DatabaseTransaction,
        id: ConversationId,
    ) -> Result<Option<Self>, RepositoryError> {
        let row = conversation::Entity::find_by_id(id.uuid())
            .lock_exclusive()
            .one(transaction)
            .await
            .map_err(repository_error)?;
        Ok(row.map(|row| Self::created(transaction, row)))
    }

    /// Wraps a conversation that this transaction has just created.
    pub(crate) fn created(transaction: &'a DatabaseTransaction, row: conversation::Model) -> Self {
        Self {
            transaction,
            before: row.clone(),
            row,
        }
    }

    pub(crate) fn row(&mut self) -> &mut conversation::Model {
        &mut self.row
    }

    /// Appends a user message.
    pub(crate) async fn append_user_message(
        &mut self,
        id: ItemId,
        run_id: RunId,
        (text, details): (String, Option<Box<MessageDetails>>),
        now: DateTime<Utc>,
    ) -> Result<Message, RepositoryError> {
        self.append_message(
            Message {
                details,
                role: Role::User,
                run_id: Some(run_id),
                ..self.blank_message(id, text)
            },
            now,
        )
        .await
    }

    /// Appends a message that is older than the stored conversation.
    pub(crate) async fn append_earlier(
        &mut self,
        earlier: EarlierMessage,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let EarlierMessage { id, role, content } = earlier;
        let message = Message {
            role,
            run_id: None,
            ..self.blank_message(id, content)
        };
        self.append_message(message, now).await?;
        Ok(())
    }

    /// Sets a title that the user chose.
    pub(crate) fn rename(&mut self, title: &Title, now: DateTime<Utc>) {
        self.name(title);
        self.row.updated_at = self.row.updated_at.max(now);
    }

    /// Derives the title from a message, unless the conversation already has a title.
    pub(crate) fn name_after(&mut self, text: &str) {
        if self.row.title_is_default {
            self.name(&automatic_title(text));
        }
    }

    fn name(&mut self, title: &Title) {
        title.as_str().clone_into(&mut self.row.title);
        self.row.search_title = fold(title.as_str());
        self.row.title_is_default = false;
    }

    /// Appends the run's answer.
    pub(crate) async fn append_answer(
        &mut self,
        id: ItemId,
        run: &run::Model,
        answer: AnswerDraft,
        now: DateTime<Utc>,
    ) -> Result<Message, RepositoryError> {
        let AnswerDraft {
            text,
            incomplete_reason,
            reasoning,
        } = answer;
        let tokens = run.input_tokens.zip(run.output_tokens);
        let message = Message {
            status: match incomplete_reason {
                Some(_) => MessageStatus::Incomplete,
                None => MessageStatus::Completed,
            },
            incomplete_reason,
            reasoning: reasoning.map(replace_nul),
            model: run.model.clone(),
            tokens_used: tokens.map(|(input, output)| natural(input) + natural(output)),
            run_id: Some(RunId::new(run.id)),
            ..self.blank_message(id, replace_nul(text))
        };
        let message = self.place(message, now);
        let mut row: message::Model = message.clone().into();
        row.has_tool_calls = run.has_tool_calls;
        self.insert(row).await?;
        Ok(message)
    }

    /// Writes the changes of the conversation's row. Increases the revision, because readers can
    /// see all such changes.
    pub(crate) async fn save(mut self) -> Result<conversation::Model, RepositoryError> {
        self.row.revision += 1;
        let mut changes = self.before.into_active_model();
        set_changed(&mut changes, &self.row);
        conversation::Entity::update_many()
            .set(changes)
            .filter(conversation::Column::Id.eq(self.row.id))
            .exec(self.transaction)
            .await
            .map_err(repository_error)?;
        Ok(self.row)
    }

    fn blank_message(&self, id: ItemId, content: String) -> Message {
        Message {
            id,
            conversation_id: ConversationId::new(self.row.id),
            sequence_number: 0,
            role: Role::Assistant,
            content,
            details: None,
            status: MessageStatus::Completed,
            incomplete_reason: None,
            reasoning: None,
            is_withheld: false,
            tool_calls: Vec::new(),
            feedback: None,
            run_id: None,
            model: None,
            tokens_used: None,
            created_at: self.row.created_at,
        }
    }

    async fn append_message(
        &mut self,
        message: Message,
        now: DateTime<Utc>,
    ) -> Result<Message, RepositoryError> {
        let message = self.place(message, now);
        self.insert(message.clone().into()).await?;
        Ok(message)
    }

    /// Gives a message the next position in the conversation.
    fn place(&mut self, mut message: Message, now: DateTime<Utc>) -> Message {
        (message.sequence_number, message.created_at) = self.next_place(now);
        self.row.message_count += 1;
        self.row.updated_at = self.row.updated_at.max(message.created_at);
        message
    }

    pub(super) fn next_place(&mut self, now: DateTime<Utc>) -> (u64, DateTime<Utc>) {
        let created_at = next_instant(now, self.row.last_item_at);
        self.row.last_sequence += 1;
        self.row.last_item_at = Some(created_at);
        (natural(self.row.last_sequence), created_at)
    }

    /// Changes columns of an item.
    pub(super) async fn update_item(
        &self,
        id: ItemId,
        changes: message::ActiveModel,
    ) -> Result<(), RepositoryError> {
        message::Entity::update_many()
            .set(changes)
            .filter(message::Column::Id.eq(id.uuid()))
            .exec(self.transaction)
            .await
            .map_err(repository_error)?;
        Ok(())
    }

    pub(super) async fn insert(&self, row: message::Model) -> Result<(), RepositoryError> {
        message::Entity::insert(row.into_active_model())
            .exec_without_returning(self.transaction)
            .await
            .map_err(repository_error)?;
        Ok(())
    }
}

/// Marks the columns that differ. The pattern names every column, so that no new column is
/// forgotten.
fn set_changed(changes: &mut conversation::ActiveModel, row: &conversation::Model) {
    let conversation::Model {
        id: _,
        user_id: _,
        created_at: _,
        metadata,
        display,
        title,
        title_is_default,
        search_title,
        last_sequence,
        message_count,
        revision,
        last_item_at,
        updated_at,
        deleted_at,
    } = row.clone();
    changes.metadata.set_if_not_equals(metadata);
    changes.display.set_if_not_equals(display);
    changes.title.set_if_not_equals(title);
    changes.title_is_default.set_if_not_equals(title_is_default);
    changes.search_title.set_if_not_equals(search_title);
    changes.last_sequence.set_if_not_equals(last_sequence);
    changes.message_count.set_if_not_equals(message_count);
    changes.last_item_at.set_if_not_equals(last_item_at);
    changes.updated_at.set_if_not_equals(updated_at);
    changes.deleted_at.set_if_not_equals(deleted_at);
    changes.revision = Set(revision);
}

/// Selects a conversation of the caller that is not deleted.
pub(crate) fn of_caller(
    caller: &Caller,
    id: ConversationId,
) -> sea_orm::Select<conversation::Entity> {
    conversation::Entity::find_by_id(id.uuid())
        .filter(conversation::Column::UserId.eq(caller.user_id().as_str()))
        .filter(conversation::Column::DeletedAt.is_null())
}
