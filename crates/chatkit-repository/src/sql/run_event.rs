//! The stored form of run events, and their removal. Data with a row of its own is stored as a
//! reference.

use std::borrow::Cow;

use chatkit_domain::{
    EventBatch, ItemEvent, ItemId, ItemState, MessageEvent, ReasoningText, RepositoryError,
    RunEvent, RunId, ToolCallEvent, replace_escaped_nul,
};
use chatkit_protocol::{ItemKind, ThreadItemUpdate, ThreadStreamEvent};
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

/// The number of runs whose events one statement removes.
const SWEPT_AT_ONCE: u64 = 200;

/// The stored form of an event. Texts, asides and unfinished items are stored only here. All other
/// data has a row of its own, and the event refers to it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredEvent<'a> {
    Started,
    Message,
    Text(Cow<'a, str>),
    /// Text for a part of a message that was emitted as an item when it started.
    Part(Uuid, u32, Cow<'a, str>),
    Reasoning(Uuid, Cow<'a, str>),
    /// The start of a new thought after an earlier one.
    NextReasoning(Uuid, Cow<'a, str>),
    Call(Uuid),
    Result(Uuid),
    /// An assistant message that was stored before the run's end.
    Said(Uuid),
    SaidAgain(Uuid),
    /// A message that was withdrawn.
    Removed(Uuid),
    Added(Cow<'a, StoredItem>),
    Updated(Uuid, Cow<'a, ThreadItemUpdate>),
    Done(Uuid),
    Replaced(Uuid),
    ItemRemoved(Uuid),
    Conversation,
    Aside(Cow<'a, ThreadStreamEvent>),
}

/// The stored form of an unfinished item.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct StoredItem {
    id: Uuid,
    created_at: DateTime<Utc>,
    kind: ItemKind,
}

impl Database {
    pub(super) async fn sweep_run_events(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        // The ids of runs grow with time, so runs that started later cannot have ended before.
        let started_before = Uuid::new_v7(timestamp(before));
        let (mut swept, mut after) = (0, Uuid::nil());
        loop {
            let runs: Vec<Uuid> = run_event::Entity::find()
                .select_only()
                .column(run_event::Column::RunId)
                .distinct()
                .filter(run_event::Column::RunId.gt(after))
                .filter(run_event::Column::RunId.lt(started_before))
                .order_by_asc(run_event::Column::RunId)
                .limit(SWEPT_AT_ONCE)
                .into_tuple()
                .all(&self.reader)
                .await
                .map_err(repository_error)?;
            let Some(last) = runs.last() else {
                return Ok(swept);
            };
            after = *last;
            swept += self.sweep_ended(&runs, before).await?;
        }
    }

    /// Removes the events of those runs that ended before this time. Returns the number of such
    /// runs.
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
    /// Returns the stored form of an event. Returns `None` for the end of a run, which is not
    /// stored.
    fn of(event: &'a RunEvent) -> Option<Self> {
        Some(match event {
            RunEvent::Started(_) => Self::Started,
            RunEvent::Message(event) => Self::of_message(event),
            RunEvent::Text {
                item,
                part: Some(part),
                delta,
            } => Self::Part(item.uuid(), *part, delta.into()),
            RunEvent::Text { delta, .. } => Self::Text(delta.into()),
            RunEvent::Reasoning {
                item,
                delta,
                starts_another: false,
                ..
            } => Self::Reasoning(item.uuid(), delta.into()),
            RunEvent::Reasoning { item, delta, .. } => {
                Self::NextReasoning(item.uuid(), delta.into())
            }
            RunEvent::ToolCall(ToolCallEvent::Started(call)) => Self::Call(call.id.uuid()),
            RunEvent::ToolCall(ToolCallEvent::Completed(call)) => Self::Result(call.id.uuid()),
            RunEvent::Item(event) => Self::of_item(event),
            RunEvent::Conversation(_) => Self::Conversation,
            RunEvent::Aside(aside) => Self::Aside(Cow::Owned(aside.clone().into())),
            RunEvent::Ended(_) => return None,
        })
    }

    fn of_message(event: &MessageEvent) -> Self {
        match event {
            MessageEvent::Created(_) => Self::Message,
            MessageEvent::Completed(message) => Self::Said(message.id.uuid()),
            MessageEvent::Replaced(message) => Self::SaidAgain(message.id.uuid()),
            MessageEvent::Removed(id) => Self::Removed(id.uuid()),
        }
    }

    fn of_item(event: &'a ItemEvent) -> Self {
        match event {
            ItemEvent::Added(item) => Self::Added(Cow::Owned(StoredItem {
                id: item.id.uuid(),
                created_at: item.created_at,
                kind: item.kind.clone(),
            })),
            ItemEvent::Updated { item, update } => {
                Self::Updated(item.uuid(), Cow::Borrowed(update))
            }
            ItemEvent::Done(item) => Self::Done(item.id.uuid()),
            ItemEvent::Replaced(item) => Self::Replaced(item.id.uuid()),
            ItemEvent::Removed(id) => Self::ItemRemoved(id.uuid()),
        }
    }

    pub(super) fn is_of_tool_call(&self) -> bool {
        matches!(self, Self::Call(_) | Self::Result(_))
    }

    /// Returns the id of the stored item to which the event refers.
    pub(super) fn stored_item(&self) -> Option<Uuid> {
        match self {
            Self::Said(id) | Self::SaidAgain(id) | Self::Done(id) | Self::Replaced(id) => Some(*id),
            _ => None,
        }
    }
}

/// Stores the last events of a run, in the transaction that ends it.
pub(super) async fn insert_last(
    transaction: &DatabaseTransaction,
    batch: Option<&EventBatch>,
) -> Result<(), RepositoryError> {
    insert(transaction, batch.and_then(to_row).into_iter().collect()).await
}

/// The answers of a run, recovered from its stored events.
#[derive(Debug, Default)]
pub(super) struct RecoveredText {
    /// The text of the agent's answer.
    pub(super) text: String,
    /// The reasoning that the model showed.
    pub(super) reasoning: ReasoningText,
    /// The texts of other answers that were started.
    pub(super) partial_answers: Vec<(ItemId, String)>,
    /// The number of the last event.
    pub(super) last: u64,
}

impl RecoveredText {
    fn add(&mut self, event: StoredEvent<'_>) {
        match event {
            StoredEvent::Text(text) => self.text.push_str(&text),
            StoredEvent::Part(id, _, text) => self.add_part(ItemId::new(id), &text),
            StoredEvent::Said(id) | StoredEvent::SaidAgain(id) | StoredEvent::Removed(id) => {
                self.drop_partial_answer(id);
            }
            StoredEvent::Reasoning(_, text) => self.reasoning.push(&text, false),
            StoredEvent::NextReasoning(_, text) => self.reasoning.push(&text, true),
            StoredEvent::Started
            | StoredEvent::Message
            | StoredEvent::Call(_)
            | StoredEvent::Result(_)
            | StoredEvent::Added(_)
            | StoredEvent::Updated(..)
            | StoredEvent::Done(_)
            | StoredEvent::Replaced(_)
            | StoredEvent::ItemRemoved(_)
            | StoredEvent::Conversation
            | StoredEvent::Aside(_) => {}
        }
    }

    fn add_part(&mut self, id: ItemId, text: &str) {
        match self
            .partial_answers
            .iter_mut()
            .find(|(known, _)| *known == id)
        {
            Some((_, known)) => known.push_str(text),
            None => self.partial_answers.push((id, text.to_owned())),
        }
    }

    fn drop_partial_answer(&mut self, id: Uuid) {
        self.partial_answers.retain(|(known, _)| known.uuid() != id);
    }
}

/// Recovers the answers of a run from its stored events. Leaves out blank texts.
pub(super) async fn recovered_text(
    transaction: &DatabaseTransaction,
    run_id: RunId,
) -> Result<RecoveredText, RepositoryError> {
    let rows = run_event::Entity::find()
        .filter(run_event::Column::RunId.eq(run_id.uuid()))
        .order_by_asc(run_event::Column::Last)
        .all(transaction)
        .await
        .map_err(repository_error)?;
    let mut recovered = RecoveredText::default();
    for row in rows {
        for (number, event) in (natural(row.first)..).zip(read(&row)) {
            if let Some(event) = event.filter(|_| number > recovered.last) {
                recovered.add(event);
            }
        }
        recovered.last = natural(row.last);
    }
    recovered
        .partial_answers
        .retain(|(_, text)| !text.trim().is_empty());
    Ok(recovered)
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

/// Returns the row of a batch. Returns `None` for an empty batch.
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
        events: replace_escaped_nul(serde_json::to_string(&events?).ok()?),
    })
}

/// Reads the events of a row. Events that only a newer version writes become `None`.
pub(super) fn read(row: &run_event::Model) -> Vec<Option<StoredEvent<'static>>> {
    let events: Result<Vec<Value>, _> = serde_json::from_str(&row.events);
    let events = events.unwrap_or_else(|error| {
        // This version never writes such a row. An error must not keep the run from ending.
        tracing::error!(run_id = %row.run_id, last = row.last, %error, "could not read events");
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

impl From<StoredItem> for ItemState {
    fn from(item: StoredItem) -> Self {
        Self {
            id: ItemId::new(item.id),
            created_at: item.created_at,
            kind: item.kind,
        }
    }
}
