//! The events of runs, as they are kept while they are fresh: what stands elsewhere is only named.

use std::borrow::Cow;

use chatkit_domain::{EventBatch, ItemId, ReasoningText, RepositoryError, RunEvent, RunId};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    Database,
    entity::{run, run_event},
    error::repository_error,
    natural, stored,
};

/// Of how many runs the events are swept in one statement.
const SWEPT_AT_ONCE: u64 = 200;

/// An event in its row. Texts stand here alone; everything else has a row of its own.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredEvent<'a> {
    Started,
    Message,
    Text(Cow<'a, str>),
    /// Text of a part of an answer whose begin was told.
    Part(Uuid, u32, Cow<'a, str>),
    Reasoning(Uuid, Cow<'a, str>),
    /// The start of another thought after an earlier one.
    NextReasoning(Uuid, Cow<'a, str>),
    Call(Uuid),
    Result(Uuid),
    /// An answer that was kept before the run's end.
    Said(Uuid),
    Removed(Uuid),
    ChatKit(Cow<'a, str>),
}

impl Database {
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

impl<'a> StoredEvent<'a> {
    /// How an event is kept; an end is not.
    fn of(event: &'a RunEvent) -> Option<Self> {
        match event {
            RunEvent::Started(_) => Some(Self::Started),
            RunEvent::MessageCreated(_) => Some(Self::Message),
            RunEvent::MessageDelta {
                message_id,
                part: Some(part),
                text,
            } => Some(Self::Part(message_id.uuid(), *part, text.into())),
            RunEvent::MessageDelta { text, .. } => Some(Self::Text(text.into())),
            RunEvent::ReasoningDelta {
                item_id,
                text,
                starts_another,
                ..
            } => {
                let (id, text) = (item_id.uuid(), text.into());
                Some(if *starts_another {
                    Self::NextReasoning(id, text)
                } else {
                    Self::Reasoning(id, text)
                })
            }
            RunEvent::ToolCallStarted(call) => Some(Self::Call(call.id.uuid())),
            RunEvent::ToolCallCompleted(call) => Some(Self::Result(call.id.uuid())),
            RunEvent::MessageCompleted(message) => Some(Self::Said(message.id.uuid())),
            RunEvent::ItemRemoved { item_id } => Some(Self::Removed(item_id.uuid())),
            RunEvent::ChatKit(json) => Some(Self::ChatKit(json.into())),
            RunEvent::Ended(_) => None,
        }
    }

    pub(super) fn is_of_tool_call(&self) -> bool {
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

/// What a run's kept events tell of its answers.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The text of an answer that is one.
    pub(super) text: String,
    /// The reasoning that the model showed.
    pub(super) reasoning: ReasoningText,
    /// The texts of other answers that were begun.
    pub(super) begun: Vec<(ItemId, String)>,
    /// The number of the last event.
    pub(super) last: u64,
}

impl Kept {
    fn add(&mut self, event: StoredEvent<'_>) {
        match event {
            StoredEvent::Text(text) => self.text.push_str(&text),
            StoredEvent::Part(id, _, text) => {
                let id = ItemId::new(id);
                match self.begun.iter_mut().find(|(begun, _)| *begun == id) {
                    Some((_, begun)) => begun.push_str(&text),
                    None => self.begun.push((id, text.into_owned())),
                }
            }
            StoredEvent::Said(id) | StoredEvent::Removed(id) => {
                let id = ItemId::new(id);
                self.begun.retain(|(begun, _)| *begun != id);
            }
            StoredEvent::Reasoning(_, text) => self.reasoning.push(&text, false),
            StoredEvent::NextReasoning(_, text) => self.reasoning.push(&text, true),
            StoredEvent::Started
            | StoredEvent::Message
            | StoredEvent::Call(_)
            | StoredEvent::Result(_)
            | StoredEvent::ChatKit(_) => {}
        }
    }
}

/// Reads what a run's kept events tell of its answers. Blank texts count for nothing.
pub(super) async fn kept(
    transaction: &DatabaseTransaction,
    run_id: RunId,
) -> Result<Kept, RepositoryError> {
    let rows = run_event::Entity::find()
        .filter(run_event::Column::RunId.eq(run_id.uuid()))
        .order_by_asc(run_event::Column::Last)
        .all(transaction)
        .await
        .map_err(repository_error)?;
    let mut kept = Kept::default();
    for row in rows {
        for (number, event) in (natural(row.first)..).zip(read(&row)) {
            if let Some(event) = event.filter(|_| number > kept.last) {
                kept.add(event);
            }
        }
        kept.last = natural(row.last);
    }
    kept.begun.retain(|(_, text)| !text.trim().is_empty());
    Ok(kept)
}

pub(super) async fn insert(
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
pub(super) fn to_row(batch: &EventBatch) -> Option<run_event::Model> {
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
pub(super) fn read(row: &run_event::Model) -> Vec<Option<StoredEvent<'static>>> {
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

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    Timestamp::from_unix(NoContext, seconds, time.timestamp_subsec_nanos())
}
