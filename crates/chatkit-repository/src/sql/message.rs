//! The queries of [`MessageRepository`].

use std::{collections::HashMap, sync::LazyLock};

use async_trait::async_trait;
use chatkit_domain::{
    Caller, Context, ConversationId, Feedback, Item, ItemId, ListCreated, ListMessages, Message,
    MessagePage, MessageRepository, MessageWindow, Order, Page, RepositoryError, Resource, Role,
    Since, ToolCall,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, Select, Set, Statement,
};
use uuid::Uuid;

use super::{
    ACTIVE_STATUSES, Database, direction, entity::message, error::repository_error,
    locked::LockedConversation, natural, stored,
};

const NO_MESSAGE: RepositoryError = RepositoryError::NotFound(Resource::Message);

/// Selects the newest messages, and all items from the oldest of these messages on, if the user
/// owns the conversation and has not deleted it.
const CONTEXT: &str = "
SELECT m.id, m.conversation_id, m.sequence_number, m.kind, m.role, m.content, m.body, m.status,
  m.incomplete_reason, m.reasoning, m.is_withheld, m.run_id, m.model, m.tokens_used, m.feedback,
  m.created_at, m.has_tool_calls, m.removed_at, m.removed_by, NULL AS search_text, r.window_start,
  (m.role = 'user' AND r.has_tool_calls AND r.status IN ('failed', 'cancelled')
    AND r.assistant_message_id IS NULL) AS has_unanswered_calls
FROM messages m LEFT JOIN runs r ON r.id = m.run_id
WHERE m.conversation_id = $1 AND m.removed_at IS NULL
  AND EXISTS (SELECT 1 FROM conversations
              WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL)
  AND m.sequence_number >= (
    SELECT MIN(sequence_number) FROM (
      SELECT sequence_number FROM messages
      WHERE conversation_id = $1 AND kind = 'message' AND removed_at IS NULL
      ORDER BY sequence_number DESC LIMIT $3) newest)
ORDER BY m.sequence_number";

/// Selects the revision of a conversation of this user that is not deleted.
const REVISION: &str = "
SELECT revision FROM conversations WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL";

/// Selects the revision and the active run of such a conversation.
static REVISION_AND_RUN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.revision, r.id AS run_id FROM conversations c
LEFT JOIN runs r ON r.conversation_id = c.id AND r.status IN ({})
WHERE c.id = $1 AND c.user_id = $2 AND c.deleted_at IS NULL",
        *ACTIVE_STATUSES
    )
});

#[async_trait]
impl MessageRepository for Database {
    async fn revision(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<u64, RepositoryError> {
        let row = self.of_conversation(REVISION, caller, conversation).await?;
        let revision: i64 = row.try_get("", "revision").map_err(repository_error)?;
        Ok(natural(revision))
    }

    async fn list(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: &ListMessages,
    ) -> Result<MessagePage, RepositoryError> {
        // Read the revision before the messages. The next poll then returns later changes again.
        let row = self
            .of_conversation(&REVISION_AND_RUN, caller, conversation)
            .await?;
        let revision: i64 = row.try_get("", "revision").map_err(repository_error)?;
        let run_id: Option<Uuid> = row.try_get("", "run_id").map_err(repository_error)?;
        let (select, oldest_first, reset) = self.window(conversation, list.window).await?;
        let rows = select
            .limit(u64::from(list.limit.get()) + 1)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        let Page {
            entries: mut rows,
            has_more,
        } = Page::of(rows, list.limit);
        if !oldest_first {
            rows.reverse();
        }
        let mut calls = self.tool_calls_of(&rows).await?;
        let messages = rows
            .into_iter()
            .map(|row| message_with(row, &mut calls))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(MessagePage {
            revision: natural(revision),
            messages,
            has_more,
            reset,
            active_run: match run_id {
                Some(id) => self.run(id).await?.filter(|run| run.status.is_active()),
                None => None,
            },
        })
    }

    async fn items(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: ListCreated<ItemId>,
    ) -> Result<Page<Item>, RepositoryError> {
        self.of_conversation(REVISION, caller, conversation).await?;
        let mut select = message::select()
            .filter(message::Column::ConversationId.eq(conversation.uuid()))
            .filter(message::Column::RemovedAt.is_null())
            .order_by(message::Column::SequenceNumber, direction(list.order))
            .limit(u64::from(list.limit.get()) + 1);
        if let Some(after) = list.after {
            let sequence = self.place_of(conversation, after).await?;
            select = select.filter(match list.order {
                Order::Asc => message::Column::SequenceNumber.gt(sequence),
                Order::Desc => message::Column::SequenceNumber.lt(sequence),
            });
        }
        let rows = select.all(&self.reader).await.map_err(repository_error)?;
        Ok(Page::of(self.to_items(rows).await?, list.limit))
    }

    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
    ) -> Result<Message, RepositoryError> {
        self.of_conversation(REVISION, caller, conversation)
            .await
            .map_err(|error| match error {
                RepositoryError::NotFound(_) => NO_MESSAGE,
                error => error,
            })?;
        let row = live_message(&self.reader, conversation, message).await?;
        let row = row.ok_or(NO_MESSAGE)?;
        let mut calls = self.tool_calls_of(std::slice::from_ref(&row)).await?;
        message_with(row, &mut calls)
    }

    async fn rate(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
        feedback: Option<Feedback>,
    ) -> Result<(), RepositoryError> {
        let transaction = self.write().await?;
        let locked =
            LockedConversation::of_caller(&transaction, caller, conversation, Resource::Message)
                .await?;
        let row = live_message(&transaction, conversation, message)
            .await?
            .ok_or(NO_MESSAGE)?;
        if row.role.as_deref() != Some(Role::Assistant.as_str()) {
            return Err(RepositoryError::WrongMessage);
        }
        let rated = message::ActiveModel {
            feedback: Set(feedback.map(|feedback| feedback.as_str().to_owned())),
            ..Default::default()
        };
        message::Entity::update_many()
            .set(rated)
            .filter(message::Column::Id.eq(row.id))
            .exec(&transaction)
            .await
            .map_err(repository_error)?;
        locked.save().await?;
        transaction.commit().await.map_err(repository_error)
    }

    async fn context(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        messages: u32,
    ) -> Result<Context, RepositoryError> {
        let statement = Statement::from_sql_and_values(
            self.backend,
            CONTEXT,
            [
                conversation.uuid().into(),
                caller.user_id().as_str().into(),
                i64::from(messages).into(),
            ],
        );
        let rows = self.reader.query_all_raw(statement).await;
        let rows = rows.map_err(repository_error)?;
        if rows.is_empty() {
            return Err(RepositoryError::NotFound(Resource::Conversation));
        }
        let mut window_start = None;
        let mut unanswered = Vec::new();
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let is_unanswered: Option<bool> = row
                .try_get("", "has_unanswered_calls")
                .map_err(repository_error)?;
            let start: Option<i64> = row.try_get("", "window_start").map_err(repository_error)?;
            window_start = start.or(window_start);
            let row = message::Model::from_query_result(&row, "").map_err(repository_error)?;
            unanswered.extend(row.run_id.filter(|_| is_unanswered == Some(true)));
            items.push(row);
        }
        let mut items = self.to_items(items).await?;
        if !unanswered.is_empty() {
            self.add_unanswered_calls(&mut items, unanswered).await?;
        }
        Ok(Context {
            items,
            window_start: window_start.map(natural),
        })
    }
}

/// Converts a row and adds its tool calls.
fn message_with(
    row: message::Model,
    calls: &mut HashMap<Uuid, Vec<ToolCall>>,
) -> Result<Message, RepositoryError> {
    let tool_calls = calls.remove(&row.id).unwrap_or_default();
    Ok(Message {
        tool_calls,
        ..row.try_into()?
    })
}

impl Database {
    async fn to_items(&self, rows: Vec<message::Model>) -> Result<Vec<Item>, RepositoryError> {
        let mut calls = self.tool_calls_of(&rows).await?;
        rows.into_iter()
            .map(|row| {
                if row.is_message() {
                    message_with(row, &mut calls).map(Item::Message)
                } else {
                    row.try_into()
                }
            })
            .collect()
    }

    /// Adds the tool calls of runs that ended without an answer to their user messages.
    async fn add_unanswered_calls(
        &self,
        items: &mut [Item],
        runs: Vec<Uuid>,
    ) -> Result<(), RepositoryError> {
        let mut calls = self.unanswered_calls_of(runs).await?;
        for item in items {
            if let Item::Message(message) = item
                && message.role == Role::User
                && let Some(run) = message.run_id
            {
                message.tool_calls = calls.remove(&run.uuid()).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Returns the sequence number of an item of any kind. The item may be removed.
    async fn place_of(
        &self,
        conversation: ConversationId,
        id: ItemId,
    ) -> Result<i64, RepositoryError> {
        let place: Option<(Uuid, i64)> = message::Entity::find_by_id(id.uuid())
            .select_only()
            .column(message::Column::ConversationId)
            .column(message::Column::SequenceNumber)
            .into_tuple()
            .one(&self.reader)
            .await
            .map_err(repository_error)?;
        let here = place.filter(|(place, _)| *place == conversation.uuid());
        here.map(|(_, sequence)| sequence).ok_or(NO_MESSAGE)
    }

    /// Queries a conversation of the caller that is not deleted.
    async fn of_conversation(
        &self,
        query: &str,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<QueryResult, RepositoryError> {
        let values = [conversation.uuid().into(), caller.user_id().as_str().into()];
        let statement = Statement::from_sql_and_values(self.backend, query, values);
        let row = self.reader.query_one_raw(statement).await;
        row.map_err(repository_error)?
            .ok_or(RepositoryError::NotFound(Resource::Conversation))
    }

    /// Returns the query of a window, whether it reads the oldest messages first, and whether its
    /// messages replace those that the client has.
    async fn window(
        &self,
        conversation: ConversationId,
        window: MessageWindow,
    ) -> Result<(Select<message::Entity>, bool, bool), RepositoryError> {
        let by_sequence =
            |order| history(conversation).order_by(message::Column::SequenceNumber, order);
        let newest = || by_sequence(sea_orm::Order::Desc);
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
                        by_sequence(sea_orm::Order::Asc)
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

/// Finds a message in the history of a conversation.
pub(crate) async fn live_message(
    connection: &impl ConnectionTrait,
    conversation: ConversationId,
    id: ItemId,
) -> Result<Option<message::Model>, RepositoryError> {
    let row = stored_message(connection, conversation, id).await?;
    Ok(row.filter(|row| row.removed_at.is_none()))
}

/// Finds a message of a conversation, even if it was removed from the history.
pub(crate) async fn stored_message(
    connection: &impl ConnectionTrait,
    conversation: ConversationId,
    id: ItemId,
) -> Result<Option<message::Model>, RepositoryError> {
    let row = stored_item(connection, conversation, id).await?;
    Ok(row.filter(message::Model::is_message))
}

/// Finds an item of a conversation, even if it was removed from the history.
pub(crate) async fn stored_item(
    connection: &impl ConnectionTrait,
    conversation: ConversationId,
    id: ItemId,
) -> Result<Option<message::Model>, RepositoryError> {
    let row = message::select_by_id(id.uuid()).one(connection).await;
    let row = row.map_err(repository_error)?;
    Ok(row.filter(|row| row.conversation_id == conversation.uuid()))
}

/// Selects the messages of the history.
fn history(conversation: ConversationId) -> Select<message::Entity> {
    message::select()
        .filter(message::Column::ConversationId.eq(conversation.uuid()))
        .filter(message::Column::Kind.eq(message::MESSAGE))
        .filter(message::Column::RemovedAt.is_null())
}
