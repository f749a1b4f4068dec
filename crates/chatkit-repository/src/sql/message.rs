//! The queries of [`MessageRepository`].

use async_trait::async_trait;
use chatkit_domain::{
    Caller, ConversationId, Feedback, HiddenContext, Item, ItemId, ListMessages, Message,
    MessagePage, MessageRepository, MessageStatus, MessageWindow, RepositoryError, Role, RunId,
    Since, fold,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order,
    QueryFilter, QueryOrder, QuerySelect, Select, Set, Statement,
};

use super::{
    Database,
    entity::{conversation, message},
    error::{corrupt, repository_error},
    locked::{LockedConversation, of_caller},
    natural, stored,
};

/// The newest messages and all items from the oldest of them on, if the conversation is a live
/// one of this user's.
const CONTEXT: &str = "
SELECT m.* FROM messages m
WHERE m.conversation_id = $1 AND m.removed_at IS NULL
  AND EXISTS (SELECT 1 FROM conversations
              WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL)
  AND m.sequence_number >= (
    SELECT MIN(sequence_number) FROM (
      SELECT sequence_number FROM messages
      WHERE conversation_id = $1 AND kind = 'message' AND removed_at IS NULL
      ORDER BY sequence_number DESC LIMIT $3) newest)
ORDER BY m.sequence_number";

#[async_trait]
impl MessageRepository for Database {
    async fn revision(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<u64, RepositoryError> {
        let revision: Option<i64> = of_caller(caller, conversation)
            .select_only()
            .column(conversation::Column::Revision)
            .into_tuple()
            .one(&self.reader)
            .await
            .map_err(repository_error)?;
        revision.map(natural).ok_or(RepositoryError::NotFound)
    }

    async fn list(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: &ListMessages,
    ) -> Result<MessagePage, RepositoryError> {
        let revision = self.revision(caller, conversation).await?;
        let (select, oldest_first, reset) = self.window(conversation, list.window).await?;
        let limit = list.limit.get();
        let mut rows = select
            .limit(u64::from(limit) + 1)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        if !oldest_first {
            rows.reverse();
        }
        let mut messages = rows
            .into_iter()
            .map(Message::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        self.attach_tool_calls(messages.iter_mut()).await?;
        Ok(MessagePage {
            revision,
            messages,
            has_more,
            reset,
            active_run: self.active_run(conversation).await?,
        })
    }

    async fn rate(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
        feedback: Option<Feedback>,
    ) -> Result<(), RepositoryError> {
        let transaction = self.write().await?;
        let locked = LockedConversation::of_caller(&transaction, caller, conversation).await?;
        let row = live_message(&transaction, conversation, message)
            .await?
            .ok_or(RepositoryError::NotFound)?;
        if row.role != Some(message::Role::Assistant) {
            return Err(RepositoryError::WrongMessage);
        }
        let mut row = row.into_active_model();
        row.feedback = Set(feedback.map(feedback_column));
        row.update(&transaction).await.map_err(repository_error)?;
        locked.save().await?;
        transaction.commit().await.map_err(repository_error)
    }

    async fn context(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        messages: u32,
    ) -> Result<Vec<Item>, RepositoryError> {
        let statement = Statement::from_sql_and_values(
            self.backend,
            CONTEXT,
            [
                conversation.uuid().into(),
                caller.user_id().as_str().into(),
                i64::from(messages).into(),
            ],
        );
        let mut items = message::Entity::find()
            .from_raw_sql(statement)
            .all(&self.reader)
            .await
            .map_err(repository_error)?
            .into_iter()
            .map(Item::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        if items.is_empty() {
            return Err(RepositoryError::NotFound);
        }
        let messages = items.iter_mut().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            Item::HiddenContext(_) => None,
        });
        self.attach_tool_calls(messages).await?;
        Ok(items)
    }
}

impl Database {
    /// The messages of a window in the direction in which it is read, whether that is oldest
    /// first, and whether it replaces what the reader had.
    async fn window(
        &self,
        conversation: ConversationId,
        window: MessageWindow,
    ) -> Result<(Select<message::Entity>, bool, bool), RepositoryError> {
        let by_sequence =
            |order| history(conversation).order_by(message::Column::SequenceNumber, order);
        let newest = || by_sequence(Order::Desc);
        Ok(match window {
            MessageWindow::Newest => (newest(), false, false),
            MessageWindow::Before(sequence) => (
                newest().filter(message::Column::SequenceNumber.lt(stored(sequence))),
                false,
                false,
            ),
            MessageWindow::Since(Since::Message(id)) => {
                match self.sequence_of(conversation, id).await? {
                    Some(sequence) => (
                        by_sequence(Order::Asc)
                            .filter(message::Column::SequenceNumber.gt(sequence)),
                        true,
                        false,
                    ),
                    None => (newest(), false, true),
                }
            }
            MessageWindow::Since(Since::Time(time)) => (
                history(conversation)
                    .filter(message::Column::CreatedAt.gt(time))
                    .order_by_asc(message::Column::CreatedAt),
                true,
                false,
            ),
        })
    }

    async fn sequence_of(
        &self,
        conversation: ConversationId,
        id: ItemId,
    ) -> Result<Option<i64>, RepositoryError> {
        let row = live_message(&self.reader, conversation, id).await?;
        Ok(row.map(|row| row.sequence_number))
    }
}

/// A message of a conversation's history. Found by its id alone, and compared here: asked for all
/// of it at once, PostgreSQL may read the whole conversation instead.
pub(crate) async fn live_message(
    connection: &impl ConnectionTrait,
    conversation: ConversationId,
    id: ItemId,
) -> Result<Option<message::Model>, RepositoryError> {
    let row = message::Entity::find_by_id(id.uuid())
        .one(connection)
        .await
        .map_err(repository_error)?;
    Ok(row
        .filter(|row| row.conversation_id == conversation.uuid())
        .filter(|row| row.kind == message::Kind::Message && row.removed_at.is_none()))
}

fn feedback_column(feedback: Feedback) -> message::Feedback {
    match feedback {
        Feedback::Positive => message::Feedback::Positive,
        Feedback::Negative => message::Feedback::Negative,
    }
}

/// The messages that a reader may see.
fn history(conversation: ConversationId) -> Select<message::Entity> {
    message::Entity::find()
        .filter(message::Column::ConversationId.eq(conversation.uuid()))
        .filter(message::Column::Kind.eq(message::Kind::Message))
        .filter(message::Column::RemovedAt.is_null())
}

impl TryFrom<message::Model> for Item {
    type Error = RepositoryError;

    fn try_from(row: message::Model) -> Result<Self, RepositoryError> {
        match row.kind {
            message::Kind::Message => row.try_into().map(Self::Message),
            message::Kind::HiddenContext => Ok(Self::HiddenContext(HiddenContext {
                id: ItemId::new(row.id),
                conversation_id: ConversationId::new(row.conversation_id),
                sequence_number: natural(row.sequence_number),
                content: row.content,
                run_id: row.run_id.map(RunId::new),
                created_at: row.created_at,
            })),
        }
    }
}

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
            body: _,
            search_text: _,
            status,
            run_id,
            model,
            tokens_used,
            feedback,
            created_at,
            removed_at: _,
            removed_by: _,
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
            status: match status {
                message::Status::Completed => MessageStatus::Completed,
                message::Status::Incomplete => MessageStatus::Incomplete,
            },
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

impl From<Message> for message::Model {
    fn from(message: Message) -> Self {
        let Message {
            id,
            conversation_id,
            sequence_number,
            role,
            content,
            status,
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
            body: None,
            status: match status {
                MessageStatus::Completed => message::Status::Completed,
                MessageStatus::Incomplete => message::Status::Incomplete,
            },
            run_id: run_id.map(chatkit_domain::Id::uuid),
            model,
            tokens_used: tokens_used.map(stored),
            feedback: feedback.map(feedback_column),
            created_at,
            removed_at: None,
            removed_by: None,
        }
    }
}

impl From<HiddenContext> for message::Model {
    fn from(note: HiddenContext) -> Self {
        let HiddenContext {
            id,
            conversation_id,
            sequence_number,
            content,
            run_id,
            created_at,
        } = note;
        Self {
            id: id.uuid(),
            conversation_id: conversation_id.uuid(),
            sequence_number: stored(sequence_number),
            kind: message::Kind::HiddenContext,
            role: None,
            content,
            body: None,
            search_text: None,
            status: message::Status::Completed,
            run_id: run_id.map(chatkit_domain::Id::uuid),
            model: None,
            tokens_used: None,
            feedback: None,
            created_at,
            removed_at: None,
            removed_by: None,
        }
    }
}
