//! What runs told, to those who follow them.

use std::collections::HashMap;

use chatkit_domain::{
    Caller, ConversationId, EventCursor, EventPage, ItemId, Message, NumberedEvent,
    RepositoryError, Run, RunEvent, RunId, RunNews, RunRepository,
};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Database,
    entity::{run, run_event},
    error::repository_error,
    message::stored_message,
    natural,
    run_event::{StoredEvent, read},
    run_row::to_run,
    stored, tool_call,
};

/// How many rows of a run are read at once: some seconds of an answer.
const PAGE_ROWS: u64 = 64;

/// Selects the runs that are followed, for PostgreSQL.
const FOLLOWED_RUNS: &str = "runs.id IN (SELECT run_id \
    FROM jsonb_to_recordset($1::text::jsonb) AS followed(run_id uuid))";

/// What is kept behind their cursors.
const NEW_ROWS: &str = "\
    SELECT run_events.* FROM jsonb_to_recordset($1::text::jsonb) \
        AS followed(run_id uuid, after bigint) \
    JOIN run_events ON run_events.run_id = followed.run_id AND last > after \
    ORDER BY run_events.run_id, last LIMIT 1000";

/// The same bound for SQLite.
const NEW_ROWS_AT_ONCE: u64 = 1_000;

/// How many runs SQLite is asked for at once.
const FOLLOWED_AT_ONCE: usize = 200;

impl Database {
    pub(super) async fn event_page(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError> {
        // Its status first: when it has ended, no event comes behind those that are found.
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
        let events = self.told(run, rows, after).await?;
        let end = if has_ended && !has_more {
            let outcome = self.outcome(caller, conversation, RunId::new(id)).await?;
            Some((outcome, natural(last_event)))
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
            let is_active = run.ended_at.is_none();
            let (events, is_active) = match self.told(run, rows, after).await {
                Ok(events) => (events, is_active),
                Err(error @ RepositoryError::Unavailable(_)) => return Err(error),
                // Of the others there are news all the same; who follows this one meets the error.
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        %run_id,
                        "could not tell the news of a run"
                    );
                    (Vec::new(), false)
                }
            };
            news.push(RunNews {
                run_id,
                events,
                is_active,
            });
        }
        Ok(news)
    }

    /// The runs, and what is kept behind their cursors. The statements are the same for any number
    /// of runs, so that they are parsed once.
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
        // Their status is read first: if one has ended, no event comes after those that are found
        // then. The columns are named, because a newer version may add some.
        let followed = Expr::cust_with_values(FOLLOWED_RUNS, [cursors.to_string()]);
        let runs = run::Entity::find().filter(followed);
        let runs = runs.all(&self.reader).await?;
        let rows = run_event::Entity::find().from_raw_sql(statement(NEW_ROWS));
        Ok((runs, rows.all(&self.reader).await?))
    }

    /// The same for SQLite, whose expressions have a bounded depth.
    async fn followed_in_steps(
        &self,
        cursors: &[EventCursor],
    ) -> Result<(Vec<run::Model>, Vec<run_event::Model>), sea_orm::DbErr> {
        let (mut runs, mut rows) = (Vec::new(), Vec::new());
        for cursors in cursors.chunks(FOLLOWED_AT_ONCE) {
            let ids = cursors.iter().map(|cursor| cursor.run_id.uuid());
            let found = run::Entity::find().filter(run::Column::Id.is_in(ids));
            runs.extend(found.all(&self.reader).await?);
            let behind = cursors.iter().fold(Condition::any(), |any, cursor| {
                let of_run = run_event::Column::RunId.eq(cursor.run_id.uuid());
                any.add(of_run.and(run_event::Column::Last.gt(stored(cursor.after))))
            });
            let found = run_event::Entity::find()
                .filter(behind)
                .order_by_asc(run_event::Column::RunId)
                .order_by_asc(run_event::Column::Last)
                .limit(NEW_ROWS_AT_ONCE);
            rows.extend(found.all(&self.reader).await?);
        }
        Ok((runs, rows))
    }

    /// The events behind a number that stand in a run's rows. A row may repeat the head of the
    /// next, when it was not known whether it had been written.
    async fn told(
        &self,
        run: run::Model,
        rows: Vec<run_event::Model>,
        after: u64,
    ) -> Result<Vec<NumberedEvent>, RepositoryError> {
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
        let calls_tools = found.iter().any(|(.., event)| event.is_of_tool_call());
        let calls = if calls_tools {
            tool_call::of_run(&self.reader, run.id).await?
        } else {
            Vec::new()
        };
        let says = found
            .iter()
            .any(|(.., event)| matches!(event, StoredEvent::Message));
        let message = match run.user_message_id.filter(|_| says) {
            Some(id) => {
                let conversation = ConversationId::new(run.conversation_id);
                stored_message(&self.reader, conversation, ItemId::new(id)).await?
            }
            None => None,
        };
        let mut said = HashMap::new();
        for (.., event) in &found {
            if let StoredEvent::Said(id) = event {
                let conversation = ConversationId::new(run.conversation_id);
                let row = stored_message(&self.reader, conversation, ItemId::new(*id)).await?;
                said.extend(row.map(Message::try_from).transpose()?.map(|m| (*id, m)));
            }
        }
        let told = Told {
            run: to_run(run, calls),
            user_message: message.map(Message::try_from).transpose()?,
            said,
        };
        Ok(found
            .into_iter()
            .filter_map(|(number, message_id, event)| {
                let event = told.event(event, message_id)?;
                Some(NumberedEvent { number, event })
            })
            .collect())
    }
}

/// What the events of a run are told by.
struct Told {
    run: Run,
    user_message: Option<Message>,
    /// Answers that were kept before the run's end.
    said: HashMap<Uuid, Message>,
}

impl Told {
    /// The event, unless what it is about is no more.
    fn event(&self, event: StoredEvent<'_>, message_id: ItemId) -> Option<RunEvent> {
        let call = |id| self.run.tool_calls.iter().find(|call| call.id.uuid() == id);
        Some(match event {
            StoredEvent::Started => {
                let assistant_message_id = Some(message_id);
                RunEvent::Started(Box::new(Run {
                    assistant_message_id,
                    ..self.run.as_begun()
                }))
            }
            StoredEvent::Message => RunEvent::MessageCreated(Box::new(self.user_message.clone()?)),
            StoredEvent::Text(text) => RunEvent::MessageDelta {
                message_id,
                part: None,
                text: text.into_owned(),
            },
            StoredEvent::Part(id, part, text) => RunEvent::MessageDelta {
                message_id: ItemId::new(id),
                part: Some(part),
                text: text.into_owned(),
            },
            StoredEvent::Reasoning(id, text) => RunEvent::ReasoningDelta {
                message_id,
                item_id: ItemId::new(id),
                text: text.into_owned(),
                starts_another: false,
            },
            StoredEvent::NextReasoning(id, text) => RunEvent::ReasoningDelta {
                message_id,
                item_id: ItemId::new(id),
                text: text.into_owned(),
                starts_another: true,
            },
            StoredEvent::Said(id) => {
                RunEvent::MessageCompleted(Box::new(self.said.get(&id)?.clone()))
            }
            StoredEvent::Removed(id) => RunEvent::ItemRemoved {
                item_id: ItemId::new(id),
            },
            StoredEvent::ChatKit(json) => RunEvent::ChatKit(json.into_owned()),
            StoredEvent::Call(id) => RunEvent::ToolCallStarted(Box::new(call(id)?.as_started())),
            StoredEvent::Result(id) => RunEvent::ToolCallCompleted(Box::new(call(id)?.as_told())),
        })
    }
}
