//! The events of runs, as they are kept while they are fresh: what stands elsewhere is only named.

use std::{borrow::Cow, collections::HashMap};

use chatkit_domain::{
    Caller, ConversationId, EventBatch, EventCursor, EventPage, ItemId, Message, NumberedEvent,
    OwnedRun, RepositoryError, Run, RunEvent, RunId, RunNews, RunOwner, RunRepository,
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    Database,
    entity::{run, run_event},
    error::repository_error,
    is_active,
    message::stored_message,
    natural,
    run_row::to_run,
    stored, tool_call,
};

/// How many rows of a run are read at once: some seconds of an answer.
const PAGE_ROWS: u64 = 64;

/// The runs that are followed. Their status is read first: when one has ended, no event comes
/// behind those that are found then.
const FOLLOWED_RUNS: &str = "\
    SELECT * FROM runs WHERE id IN (SELECT run_id \
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

/// Of how many runs the events are swept in one statement.
const SWEPT_AT_ONCE: u64 = 200;

/// The statement of [`Database::checkpoint`]. One for all of a process's runs, and the same however
/// many there are, so that it is parsed once.
const CHECKPOINT: &str = "\
    WITH owned AS (UPDATE runs \
        SET lease_expires_at = clock_timestamp() + make_interval(secs => $1) \
        WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($2::text::jsonb)) \
        AND lease_owner = $3 AND status IN ('queued', 'running', 'awaiting_approval') \
        RETURNING id, cancel_requested), \
    kept AS (INSERT INTO run_events (run_id, last, first, message_id, events) \
        SELECT run_id, last, first, message_id, events \
        FROM jsonb_to_recordset($4::text::jsonb) \
            AS new(run_id uuid, last bigint, first bigint, message_id uuid, events text) \
        WHERE run_id IN (SELECT id FROM owned) ON CONFLICT DO NOTHING) \
    SELECT id, cancel_requested FROM owned";

/// An event in its row. Texts stand here alone; everything else has a row of its own.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoredEvent<'a> {
    Started,
    Message,
    Text(Cow<'a, str>),
    Reasoning(Cow<'a, str>),
    Call(Uuid),
    Result(Uuid),
}

impl Database {
    pub(super) async fn checkpoint_runs(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError> {
        let rows: Vec<_> = batches.iter().filter_map(to_row).collect();
        let owned = if self.backend == DbBackend::Postgres {
            self.checkpoint_at_once(owner, runs, &rows).await?
        } else {
            self.checkpoint_in_steps(owner, runs, rows).await?
        };
        Ok(owned
            .into_iter()
            .map(|(id, cancel_requested)| OwnedRun {
                id: RunId::new(id),
                cancel_requested,
            })
            .collect())
    }

    async fn checkpoint_at_once(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        rows: &[run_event::Model],
    ) -> Result<Vec<(Uuid, bool)>, RepositoryError> {
        let runs: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
        let statement = Statement::from_sql_and_values(
            self.backend,
            CHECKPOINT,
            [
                owner.lease.as_secs_f64().into(),
                json!(runs).to_string().into(),
                owner.id.into(),
                to_records(rows).to_string().into(),
            ],
        );
        let owned = self.writer.query_all_raw(statement).await;
        let owned: Result<_, _> = owned
            .map_err(repository_error)?
            .iter()
            .map(|row| row.try_get_many_by_index().map_err(repository_error))
            .collect();
        owned
    }

    /// The same for SQLite, where a statement writes to one table.
    async fn checkpoint_in_steps(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        rows: Vec<run_event::Model>,
    ) -> Result<Vec<(Uuid, bool)>, RepositoryError> {
        let transaction = self.write().await?;
        let owned = run::Entity::update_many()
            .col_expr(run::Column::LeaseExpiresAt, self.in_future(owner.lease))
            .filter(run::Column::Id.is_in(runs.iter().map(|run| run.uuid())))
            .filter(run::Column::LeaseOwner.eq(owner.id))
            .filter(is_active())
            .exec_with_returning(&transaction)
            .await
            .map_err(repository_error)?;
        let is_owned = |row: &run_event::Model| owned.iter().any(|run| run.id == row.run_id);
        insert(&transaction, rows.into_iter().filter(is_owned).collect()).await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(owned
            .into_iter()
            .map(|run| (run.id, run.cancel_requested))
            .collect())
    }

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
        let mut news = Vec::new();
        for run in runs {
            let run_id = RunId::new(run.id);
            let cursor = cursors.iter().find(|cursor| cursor.run_id == run_id);
            let after = cursor.map_or(0, |cursor| cursor.after);
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
        let runs = run::Entity::find().from_raw_sql(statement(FOLLOWED_RUNS));
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
        let told = Told {
            run: to_run(run, calls),
            user_message: message.map(Message::try_from).transpose()?,
        };
        Ok(found
            .into_iter()
            .filter_map(|(number, message_id, event)| {
                let event = told.event(event, message_id)?;
                Some(NumberedEvent { number, event })
            })
            .collect())
    }

    pub(super) async fn sweep_run_events(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        // Ids of runs rise with time: what began later need not be looked at.
        let begun_before = Uuid::new_v7(timestamp(before));
        let (mut swept, mut after) = (0, Uuid::nil());
        loop {
            let kept: Vec<Uuid> = run_event::Entity::find()
                .select_only()
                .column(run_event::Column::RunId)
                .distinct()
                .filter(run_event::Column::RunId.gt(after))
                .filter(run_event::Column::RunId.lt(begun_before))
                .order_by_asc(run_event::Column::RunId)
                .limit(SWEPT_AT_ONCE)
                .into_tuple()
                .all(&self.reader)
                .await
                .map_err(repository_error)?;
            let Some(last) = kept.last() else {
                return Ok(swept);
            };
            after = *last;
            swept += self.sweep_ended(&kept, before).await?;
        }
    }

    /// Removes the events of those of the runs that ended before this.
    async fn sweep_ended(
        &self,
        runs: &[Uuid],
        before: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        let ended: Vec<Uuid> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::Id.is_in(runs.iter().copied()))
            .filter(run::Column::EndedAt.lt(before))
            .into_tuple()
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        if !ended.is_empty() {
            run_event::Entity::delete_many()
                .filter(run_event::Column::RunId.is_in(ended.iter().copied()))
                .exec(&self.writer)
                .await
                .map_err(repository_error)?;
        }
        Ok(ended.len() as u64)
    }
}

/// What the events of a run are told by.
struct Told {
    run: Run,
    user_message: Option<Message>,
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
                text: text.into_owned(),
            },
            StoredEvent::Reasoning(text) => RunEvent::ReasoningDelta {
                text: text.into_owned(),
            },
            StoredEvent::Call(id) => RunEvent::ToolCallStarted(Box::new(call(id)?.as_started())),
            StoredEvent::Result(id) => RunEvent::ToolCallCompleted(Box::new(call(id)?.as_told())),
        })
    }
}

impl<'a> StoredEvent<'a> {
    /// How an event is kept; an end is not.
    fn of(event: &'a RunEvent) -> Option<Self> {
        match event {
            RunEvent::Started(_) => Some(Self::Started),
            RunEvent::MessageCreated(_) => Some(Self::Message),
            RunEvent::MessageDelta { text, .. } => Some(Self::Text(text.into())),
            RunEvent::ReasoningDelta { text } => Some(Self::Reasoning(text.into())),
            RunEvent::ToolCallStarted(call) => Some(Self::Call(call.id.uuid())),
            RunEvent::ToolCallCompleted(call) => Some(Self::Result(call.id.uuid())),
            RunEvent::MessageCompleted(_) | RunEvent::Ended(_) => None,
        }
    }

    fn is_of_tool_call(&self) -> bool {
        matches!(self, Self::Call(_) | Self::Result(_))
    }
}

/// Keeps what a run told last, in the transaction that ends it.
pub(super) async fn insert_last(
    transaction: &DatabaseTransaction,
    batch: Option<&EventBatch>,
) -> Result<(), RepositoryError> {
    insert(transaction, batch.and_then(to_row).into_iter().collect()).await
}

/// The text of a run's kept events, and the number of the last.
pub(super) async fn kept_text(
    transaction: &DatabaseTransaction,
    run_id: RunId,
) -> Result<(String, u64), RepositoryError> {
    let rows = run_event::Entity::find()
        .filter(run_event::Column::RunId.eq(run_id.uuid()))
        .order_by_asc(run_event::Column::Last)
        .all(transaction)
        .await
        .map_err(repository_error)?;
    let (mut text, mut last) = (String::new(), 0);
    for row in rows {
        for (number, event) in (natural(row.first)..).zip(read(&row)) {
            if let Some(StoredEvent::Text(more)) = event.filter(|_| number > last) {
                text.push_str(&more);
            }
        }
        last = natural(row.last);
    }
    Ok((text, last))
}

async fn insert(
    transaction: &DatabaseTransaction,
    rows: Vec<run_event::Model>,
) -> Result<(), RepositoryError> {
    if rows.is_empty() {
        return Ok(());
    }
    let key = [run_event::Column::RunId, run_event::Column::Last];
    run_event::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(transaction)
        .await
        .map_err(repository_error)?;
    Ok(())
}

/// The row of a batch; none where there is nothing to keep.
fn to_row(batch: &EventBatch) -> Option<run_event::Model> {
    let (first, last) = (batch.events.first()?, batch.events.last()?);
    let events: Option<Vec<_>> = batch
        .events
        .iter()
        .map(|numbered| StoredEvent::of(&numbered.event))
        .collect();
    Some(run_event::Model {
        run_id: batch.run_id.uuid(),
        last: stored(last.number),
        first: stored(first.number),
        message_id: batch.message_id.uuid(),
        events: serde_json::to_string(&events?).ok()?,
    })
}

/// The events of a row; none in the place of one that only a newer version writes.
fn read(row: &run_event::Model) -> Vec<Option<StoredEvent<'static>>> {
    let events: Result<Vec<Value>, _> = serde_json::from_str(&row.events);
    let events = events.unwrap_or_else(|error| {
        // What this code never writes; the run must be ended and told all the same.
        tracing::error!(run_id = %row.run_id, last = row.last, %error, "unreadable events");
        Vec::new()
    });
    events
        .into_iter()
        .map(|event| serde_json::from_value(event).ok())
        .collect()
}

/// Rows as one parameter.
fn to_records(rows: &[run_event::Model]) -> Value {
    rows.iter()
        .map(|row| {
            let run_event::Model {
                run_id,
                last,
                first,
                message_id,
                events,
            } = row;
            json!({
                "run_id": run_id, "last": last, "first": first, "message_id": message_id,
                "events": events,
            })
        })
        .collect()
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    Timestamp::from_unix(NoContext, seconds, time.timestamp_subsec_nanos())
}
