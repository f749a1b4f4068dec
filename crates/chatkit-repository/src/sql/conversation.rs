//! The queries of [`ConversationRepository`].

use async_trait::async_trait;
use chatkit_domain::{
    Caller, Conversation, ConversationId, ConversationRepository, ListConversations, ListCreated,
    NewConversation, Order, Page, RepositoryError, Resource, RunId, SearchQuery, Title, fold,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Select, TransactionTrait,
    sea_query::{DynIden, Expr, Func, IntoIden, LikeExpr, Query},
};

use super::{
    Database,
    conversation_row::ConversationRow,
    direction,
    entity::{conversation, message, run},
    error::{corrupt, repository_error},
    is_active,
    locked::{LockedConversation, of_caller},
    uncancelled,
};

/// The time limit of a search on PostgreSQL.
const SEARCH_TIMEOUT: &str = "SET LOCAL statement_timeout = '5s'";

#[async_trait]
impl ConversationRepository for Database {
    async fn insert(
        &self,
        caller: &Caller,
        conversation: NewConversation,
    ) -> Result<Conversation, RepositoryError> {
        let row = new_row(caller, conversation);
        // Do not use RETURNING: outside of a transaction, the driver would not notice that the
        // commit failed on SQLite.
        conversation::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&self.writer)
            .await
            .map_err(repository_error)?;
        row.try_into()
    }

    async fn get(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Conversation, RepositoryError> {
        of_caller(caller, id)
            .into_partial_model::<ConversationRow>()
            .one(&self.reader)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::NotFound(Resource::Conversation))?
            .try_into()
    }

    async fn list(
        &self,
        caller: &Caller,
        list: &ListConversations,
    ) -> Result<Page<Conversation>, RepositoryError> {
        let select = page_of(caller, list, self.backend)?;
        let rows = if list.query.is_some() {
            self.search(select).await?
        } else {
            let select = select.into_partial_model::<ConversationRow>();
            select.all(&self.reader).await.map_err(repository_error)?
        };
        let entries = rows.into_iter().map(Conversation::try_from);
        Ok(Page::of(entries.collect::<Result<_, _>>()?, list.limit))
    }

    async fn list_created(
        &self,
        caller: &Caller,
        list: ListCreated<ConversationId>,
    ) -> Result<Page<Conversation>, RepositoryError> {
        let after = match list.after {
            Some(id) => Some((self.created_at(caller, id).await?, id)),
            None => None,
        };
        let place = || {
            Expr::tuple([
                Expr::col(conversation::Column::CreatedAt),
                Expr::col(conversation::Column::Id),
            ])
        };
        let mut select = conversation::Entity::find()
            .filter(conversation::Column::UserId.eq(caller.user_id().as_str()))
            .filter(conversation::Column::DeletedAt.is_null())
            .order_by(conversation::Column::CreatedAt, direction(list.order))
            .order_by(conversation::Column::Id, direction(list.order))
            .limit(u64::from(list.limit.get()) + 1);
        if let Some((created_at, id)) = after {
            let position = Expr::tuple([Expr::value(created_at), Expr::value(id.uuid())]);
            select = select.filter(match list.order {
                Order::Asc => place().gt(position),
                Order::Desc => place().lt(position),
            });
        }
        let select = select.into_partial_model::<ConversationRow>();
        let rows = select.all(&self.reader).await.map_err(repository_error)?;
        let entries = rows.into_iter().map(Conversation::try_from);
        Ok(Page::of(entries.collect::<Result<_, _>>()?, list.limit))
    }

    async fn rename(
        &self,
        caller: &Caller,
        id: ConversationId,
        title: &Title,
        now: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError> {
        let transaction = self.write().await?;
        let mut conversation =
            LockedConversation::of_caller(&transaction, caller, id, Resource::Conversation).await?;
        conversation.rename(title, now);
        let row = conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        row.try_into()
    }

    async fn delete(
        &self,
        caller: &Caller,
        id: ConversationId,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        let transaction = self.write().await?;
        let mut conversation =
            LockedConversation::of_caller(&transaction, caller, id, Resource::Conversation).await?;
        conversation.row().deleted_at = Some(now);
        conversation.save().await?;
        let cancelled = run::Entity::update_many()
            .col_expr(run::Column::CancelRequested, Expr::value(true))
            .filter(run::Column::ConversationId.eq(id.uuid()))
            .filter(is_active())
            .exec_with_returning(&transaction)
            .await
            .map_err(repository_error)?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(cancelled.first().map(|run| RunId::new(run.id)))
    }

    async fn restore(
        &self,
        caller: &Caller,
        id: ConversationId,
        deleted_after: DateTime<Utc>,
    ) -> Result<Conversation, RepositoryError> {
        let transaction = self.write().await?;
        let mut conversation = LockedConversation::any(&transaction, id)
            .await?
            .ok_or(RepositoryError::NotFound(Resource::Conversation))?;
        let row = conversation.row();
        let expired = row.deleted_at.is_some_and(|at| at <= deleted_after);
        if row.user_id != caller.user_id().as_str() || expired {
            return Err(RepositoryError::NotFound(Resource::Conversation));
        }
        row.deleted_at = None;
        let row = conversation.save().await?;
        transaction.commit().await.map_err(repository_error)?;
        row.try_into()
    }
}

impl Database {
    /// Returns the time at which the caller's conversation was created. Also finds deleted
    /// conversations, because a list may continue after one.
    async fn created_at(
        &self,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<DateTime<Utc>, RepositoryError> {
        conversation::Entity::find_by_id(id.uuid())
            .filter(conversation::Column::UserId.eq(caller.user_id().as_str()))
            .select_only()
            .column(conversation::Column::CreatedAt)
            .into_tuple()
            .one(&self.reader)
            .await
            .map_err(repository_error)?
            .ok_or(RepositoryError::NotFound(Resource::Conversation))
    }

    /// Runs a search. The number of concurrent searches is limited, and PostgreSQL also limits the
    /// time. A search whose caller has gone occupies its slot until the database has finished.
    async fn search(
        &self,
        select: Select<conversation::Entity>,
    ) -> Result<Vec<ConversationRow>, RepositoryError> {
        let select = select.into_partial_model::<ConversationRow>();
        let (reader, backend) = (self.reader.clone(), self.backend);
        let place = self.searches.clone().acquire_owned().await;
        let search = async move {
            let _place = place;
            if backend != DbBackend::Postgres {
                return select.all(&reader).await;
            }
            let transaction = reader.begin().await?;
            transaction.execute_unprepared(SEARCH_TIMEOUT).await?;
            select.all(&transaction).await
        };
        uncancelled(search).await?.map_err(repository_error)
    }
}

pub(crate) fn new_row(caller: &Caller, conversation: NewConversation) -> conversation::Model {
    let NewConversation { id, title, now } = conversation;
    let title_is_default = title.is_none();
    let title = title.unwrap_or_default().as_str().to_owned();
    conversation::Model {
        id: id.uuid(),
        user_id: caller.user_id().as_str().to_owned(),
        search_title: fold(&title),
        title,
        title_is_default,
        metadata: None,
        display: None,
        last_sequence: 0,
        message_count: 0,
        revision: 1,
        last_item_at: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

fn page_of(
    caller: &Caller,
    list: &ListConversations,
    backend: DbBackend,
) -> Result<Select<conversation::Entity>, RepositoryError> {
    let mut select = conversation::Entity::find()
        .filter(conversation::Column::UserId.eq(caller.user_id().as_str()))
        .filter(conversation::Column::DeletedAt.is_null())
        .order_by_desc(conversation::Column::UpdatedAt)
        .order_by_desc(conversation::Column::Id)
        .limit(u64::from(list.limit.get()) + 1);
    if let Some(after) = list.after {
        let updated_at = DateTime::from_timestamp_millis(after.key)
            .ok_or_else(|| corrupt("a page position without a valid time"))?;
        // A row value is one index condition, unlike `a < x OR a = x AND b < y`.
        select = select.filter(
            Expr::tuple([
                Expr::col(conversation::Column::UpdatedAt),
                Expr::col(conversation::Column::Id),
            ])
            .lt(Expr::tuple([
                Expr::value(updated_at),
                Expr::value(after.id),
            ])),
        );
    }
    if let Some(query) = &list.query {
        select = select.filter(matches(query, backend));
    }
    Ok(select)
}

/// Returns the condition that the title or a message of the history contains the text.
fn matches(query: &SearchQuery, backend: DbBackend) -> Expr {
    // SQLite's LIKE takes quadratic time in the worst case, so SQLite uses `instr`.
    let contains = |table: DynIden, column: DynIden| {
        let column = Expr::col((table, column));
        if backend == DbBackend::Postgres {
            column.like(LikeExpr::new(query.like_pattern()).escape('\\'))
        } else {
            Expr::expr(Func::cust("instr").arg(column).arg(query.folded())).gt(0)
        }
    };
    let messages = Query::select()
        .expr(Expr::val(1))
        .from(message::Entity)
        .and_where(
            Expr::col((message::Entity, message::Column::ConversationId))
                .equals((conversation::Entity, conversation::Column::Id)),
        )
        .and_where(message::Column::RemovedAt.is_null())
        .and_where(contains(
            message::Entity.into_iden(),
            message::Column::SearchText.into_iden(),
        ))
        .to_owned();
    contains(
        conversation::Entity.into_iden(),
        conversation::Column::SearchTitle.into_iden(),
    )
    .or(Expr::exists(messages))
}
