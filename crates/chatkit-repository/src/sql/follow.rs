//! Reads stored run events for followers.

use std::{collections::HashMap, sync::Arc};

use chatkit_domain::{
    Caller, Conversation, ConversationId, EventCursor, EventPage, EventsEnd, Item, ItemId, Message,
    NumberedEvent, RepositoryError, RunId, RunNews, RunRepository,
};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Database,
    entity::{conversation, run, run_event},
    error::repository_error,
    event_context::EventContext,
    message::{stored_item, stored_message},
    natural,
    run_event::{StoredEvent, read},
    run_row::to_run,
    stored, tool_call,
};

/// The number of rows of a run that one query reads. They hold a few seconds of an answer.
const PAGE_ROWS: u64 = 64;

/// Selects the followed runs on PostgreSQL.
const FOLLOWED_RUNS: &str = "runs.id IN (SELECT run_id \
    FROM jsonb_to_recordset($1::text::jsonb) AS followed(run_id uuid))";

/// Selects the rows after their cursors.
const NEW_ROWS: &str = "\
    SELECT run_events.* FROM jsonb_to_recordset($1::text::jsonb) \
        AS followed(run_id uuid, after bigint) \
    JOIN run_events ON run_events.run_id = followed.run_id AND last > after \
    ORDER BY run_events.run_id, last LIMIT 1000";

/// The same row limit for SQLite.
const NEW_ROWS_AT_ONCE: u64 = 1_000;

/// The number of runs per statement on SQLite.
const FOLLOWED_AT_ONCE: usize = 200;

impl Database {
    pub(super) async fn event_page(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError> {
        // Read the status first. If the run has ended by then, the query below finds all its
        // events.
        let run = self.run_of(caller, conversation, run).await?;
        let rows = run_event::Entity::find()
            .filter(run_event::Column::RunId.eq(run.id))
            .filter(run_event::Column::Last.gt(stored(after)))
            .order_by_asc(run_event::Column::Last)
            .limit(PAGE_ROWS)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        let has_more = rows.len() as u64 == PAGE_ROWS;
        let last = rows.last().map_or(after, |row| natural(row.last));
        let (id, has_ended, last_event) = (run.id, run.ended_at.is_some(), run.last_event);
        let events = self.events_of(run, rows, after).await?;
        let end = if has_ended && !has_more {
            Some(Box::new(EventsEnd {
                outcome: self.outcome(caller, conversation, RunId::new(id)).await?,
                last_event: natural(last_event),
            }))
        } else {
            None
        };
        Ok(EventPage {
            events,
            last,
            has_more,
            end,
        })
    }

    pub(super) async fn news_of(
        &self,
        cursors: &[EventCursor],
    ) -> Result<Vec<RunNews>, RepositoryError> {
        let (runs, rows) = if self.backend == DbBackend::Postgres {
            self.followed_at_once(cursors).await
        } else {
            self.followed_in_steps(cursors).await
        }
        .map_err(repository_error)?;
        let mut by_run: HashMap<Uuid, Vec<run_event::Model>> = HashMap::new();
        for row in rows {
            by_run.entry(row.run_id).or_default().push(row);
        }
        let cursors: HashMap<RunId, u64> = cursors
            .iter()
            .map(|cursor| (cursor.run_id, cursor.after))
            .collect();
        let mut news = Vec::new();
        for run in runs {
            let run_id = RunId::new(run.id);
            let after = cursors.get(&run_id).copied().unwrap_or_default();
            let rows = by_run.remove(&run.id).unwrap_or_default();
            let last = rows.last().map_or(after, |row| natural(row.last));
            let is_active = run.ended_at.is_none();
            let (events, is_active) = match self.events_of(run, rows, after).await {
                Ok(events) => (events, is_active),
                Err(error @ RepositoryError::Unavailable(_)) => return Err(error),
                // Report the other runs nevertheless. The followers of this run get the error when
                // they read.
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        %run_id,
                        "could not read the new events of a run"
                    );
                    (Vec::new(), false)
                }
            };
            news.push(RunNews {
                run_id,
                events,
                last,
                is_active,
            });
        }
        Ok(news)
    }

    /// Reads the runs and their rows after the cursors. The statements are the same for any number
    /// of runs, so the database parses them only once.
    async fn followed_at_once(
        &self,
        cursors: &[EventCursor],
    ) -> Result<(Vec<run::Model>, Vec<run_event::Model>), sea_orm::DbErr> {
        let cursors: Value = cursors
            .iter()
            .map(|cursor| json!({"run_id": cursor.run_id.uuid(), "after": stored(cursor.after)}))
            .collect();
        let statement = |sql: &str| {
            Statement::from_sql_and_values(self.backend, sql, [cursors.to_string().into()])
        };
        // Read the status first. If a run has ended by then, the next query finds all its events.
        // The query lists the columns, because a newer version may add some.
        let followed = Expr::cust_with_values(FOLLOWED_RUNS, [cursors.to_string()]);
        let runs = run::Entity::find().filter(followed);
        let runs = runs.all(&self.reader).await?;
        let rows = run_event::Entity::find().from_raw_sql(statement(NEW_ROWS));
        Ok((runs, rows.all(&self.reader).await?))
    }

    /// Reads the same as `followed_at_once` on SQLite, which limits the depth of expressions.
    async fn followed_in_steps(
        &self,
        cursors: &[EventCursor],
    ) -> Result<(Vec<run::Model>, Vec<run_event::Model>), sea_orm::DbErr> {
        let (mut runs, mut rows) = (Vec::new(), Vec::new());
        for cursors in cursors.chunks(FOLLOWED_AT_ONCE) {
            let ids = cursors.iter().map(|cursor| cursor.run_id.uuid());
            let found = run::Entity::find().filter(run::Column::Id.is_in(ids));
            runs.extend(found.all(&self.reader).await?);
            let after_cursors = cursors.iter().fold(Condition::any(), |any, cursor| {
                let of_run = run_event::Column::RunId.eq(cursor.run_id.uuid());
                any.add(of_run.and(run_event::Column::Last.gt(stored(cursor.after))))
            });
            let found = run_event::Entity::find()
                .filter(after_cursors)
                .order_by_asc(run_event::Column::RunId)
                .order_by_asc(run_event::Column::Last)
                .limit(NEW_ROWS_AT_ONCE);
            rows.extend(found.all(&self.reader).await?);
        }
        Ok((runs, rows))
    }

    /// Returns the events of a run after a number. Rows may overlap: if the process did not know
    /// whether a write had succeeded, the next row repeats its events.
    async fn events_of(
        &self,
        run: run::Model,
        rows: Vec<run_event::Model>,
        after: u64,
    ) -> Result<Vec<Arc<NumberedEvent>>, RepositoryError> {
        let mut found: Vec<(u64, ItemId, StoredEvent<'_>)> = Vec::new();
        for row in rows {
            let last = found.last().map_or(after, |(number, ..)| *number);
            let message_id = ItemId::new(row.message_id);
            let events = (natural(row.first)..).zip(read(&row));
            found.extend(
                events
                    .filter(|(number, _)| *number > last)
                    .filter_map(|(number, event)| Some((number, message_id, event?))),
            );
        }
        let events = found.iter().map(|(.., event)| event);
        let context = self.event_context(run, events).await?;
        Ok(found
            .into_iter()
            .filter_map(|(number, message_id, event)| {
                let event = context.event(event, message_id)?;
                Some(Arc::new(NumberedEvent { number, event }))
            })
            .collect())
    }

    /// Reads the rows to which the events refer.
    async fn event_context<'a>(
        &self,
        run: run::Model,
        events: impl Iterator<Item = &'a StoredEvent<'a>> + Clone,
    ) -> Result<EventContext, RepositoryError> {
        let conversation = ConversationId::new(run.conversation_id);
        let calls = if events.clone().any(StoredEvent::is_of_tool_call) {
            tool_call::of_run(&self.reader, run.id).await?
        } else {
            Vec::new()
        };
        let has_message = |event: &StoredEvent<'_>| matches!(event, StoredEvent::Message);
        let message_id = run
            .user_message_id
            .filter(|_| events.clone().any(has_message));
        let message = match message_id {
            Some(id) => stored_message(&self.reader, conversation, ItemId::new(id)).await?,
            None => None,
        };
        let mut items = HashMap::new();
        for id in events.clone().filter_map(StoredEvent::stored_item) {
            if !items.contains_key(&id)
                && let Some(row) = stored_item(&self.reader, conversation, ItemId::new(id)).await?
            {
                items.insert(id, Item::try_from(row)?);
            }
        }
        let is_of_conversation =
            |event: &StoredEvent<'_>| matches!(event, StoredEvent::Conversation);
        let conversation = if events.clone().any(is_of_conversation) {
            let row = conversation::Entity::find_by_id(run.conversation_id);
            let row = row.one(&self.reader).await.map_err(repository_error)?;
            row.map(Conversation::try_from).transpose()?
        } else {
            None
        };
        Ok(EventContext {
            run: to_run(run, calls)?,
            user_message: message.map(Message::try_from).transpose()?,
            items,
            conversation,
        })
    }
}
