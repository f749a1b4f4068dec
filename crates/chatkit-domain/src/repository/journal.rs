use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    Conversation, ConversationStatus, EventBatch, IncompleteReason, Item, ItemId, ItemWrite,
    Message, NewToolCall, NumberedEvent, RepositoryError, Run, RunEnd, RunFence, RunId, RunOwner,
    Title, ToolCallOutcome, Usage,
};

/// The port of a process that answers runs: it stores leases, events, items, tool calls, and ends.
///
/// Methods that take a [`RunFence`] write only while the run is active and belongs to that owner.
/// They return [`RepositoryError::RunLost`] otherwise.
#[async_trait]
pub trait RunJournal: std::fmt::Debug + Send + Sync {
    /// Registers an owner before its first run. If earlier owners are known to be dead, their
    /// leases end now, so that no caller has to wait for them.
    async fn enter(&self, owner: RunOwner) -> Result<(), RepositoryError>;

    /// Extends the leases of these runs by the store's clock, stores these events, and returns the
    /// runs that still belong to the owner, in one step. Nothing is stored for the other runs:
    /// they are lost. A batch may be repeated, with or without later events, if the owner does not
    /// know whether it was stored.
    async fn checkpoint(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError>;

    /// Stores items of a run before its end, and changes its conversation, in one step.
    ///
    /// # Errors
    /// `RunLost`; `WrongMessage` for the id of a user message, of an item of another kind, or of
    /// an item of another conversation; `TooLarge`.
    async fn store_items(
        &self,
        fence: RunFence,
        items: StoreItems,
    ) -> Result<StoredItems, RepositoryError>;

    /// Records tool calls as running, before any of them runs.
    ///
    /// # Errors
    /// `RunLost`: then no tool may run.
    async fn start_tool_calls(
        &self,
        fence: RunFence,
        calls: &[NewToolCall],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Records the end of a tool call.
    ///
    /// # Errors
    /// `RunLost`.
    async fn finish_tool_call(
        &self,
        fence: RunFence,
        outcome: &ToolCallOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Ends a run: its answer, its note for the model, its cost and its status, in one step. Tool
    /// calls that still run are recorded as `cancelled` if the user stopped the run or it failed,
    /// and as `unknown` if it was interrupted.
    ///
    /// # Errors
    /// `RunLost`.
    async fn finish(
        &self,
        fence: RunFence,
        finish: FinishRun,
    ) -> Result<FinishedRun, RepositoryError>;

    /// Returns the new events of these runs, in one step for all. A run that is missing in the
    /// result no longer exists.
    async fn news(&self, cursors: &[EventCursor]) -> Result<Vec<RunNews>, RepositoryError>;

    /// Closes one run whose lease has expired as interrupted. Its running tool calls become
    /// `unknown`. Returns the run, or `None` if there is none.
    async fn close_expired_run(&self, now: DateTime<Utc>)
    -> Result<Option<RunId>, RepositoryError>;

    /// Removes the events of runs that ended before `before`. Returns the number of runs.
    async fn sweep_events(&self, before: DateTime<Utc>) -> Result<u64, RepositoryError>;
}

/// A run that still belongs to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedRun {
    /// The run.
    pub id: RunId,
    /// Whether the run is asked to stop.
    pub cancel_requested: bool,
}

/// A position in the events of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// The run. Its follower was allowed to read it before.
    pub run_id: RunId,
    /// The number of the last known event.
    pub after: u64,
}

/// New events of a run that another process answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNews {
    /// The run.
    pub run_id: RunId,
    /// The events after the cursor, oldest first.
    pub events: Vec<Arc<NumberedEvent>>,
    /// The number after which the next read starts. It may be greater than that of the last event
    /// here, because a newer version may have stored events that this one cannot read.
    pub last: u64,
    /// Whether more events may follow.
    pub is_active: bool,
}

/// Items to store before the end of a run, and changes of its conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreItems {
    /// The items to store.
    pub put: Vec<ItemWrite>,
    /// The items to remove from the history.
    pub remove: Vec<ItemId>,
    /// The changes of the conversation.
    pub changes: ConversationChanges,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// The changes of a conversation. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversationChanges {
    /// The new title.
    pub title: Option<Title>,
    /// The new status.
    pub status: Option<ConversationStatus>,
    /// The new list of image domains; `Some(None)` removes the list.
    pub image_domains: Option<Option<Vec<String>>>,
    /// The new metadata.
    pub metadata: Option<Map<String, Value>>,
}

/// The stored items, and the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItems {
    /// The items, in the order in which they were given.
    pub items: Vec<Item>,
    /// The removed items that are messages.
    pub removed_messages: Vec<ItemId>,
    /// The conversation as it is now.
    pub conversation: Conversation,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishRun {
    /// How the run ended.
    pub end: RunEnd,
    /// The answer to store.
    pub answer: Option<AnswerDraft>,
    /// Unfinished answers to store, if the run stored items before its end. Answers that are
    /// already stored stay as they are. The last answer of the run in the history becomes the
    /// answer of the run.
    pub partial_answers: Option<Vec<ItemWrite>>,
    /// A note for the model after the answer.
    pub note: Option<Note>,
    /// The cost.
    pub usage: Option<Usage>,
    /// The sequence number of the first item that the model received. The next run starts its
    /// window there.
    pub window_start: Option<u64>,
    /// Whether to withhold the user message from the model from now on, because the model's filter
    /// refused it on its own.
    pub withholds_message: bool,
    /// The events that are not stored yet. `None` if no follower has seen any event of the run.
    pub events: Option<EventBatch>,
    /// The number of the run's last event.
    pub last_event: u64,
    /// The time now.
    pub now: DateTime<Utc>,
}

impl FinishRun {
    /// An end without an answer and without other details.
    #[must_use]
    pub const fn new(end: RunEnd, now: DateTime<Utc>) -> Self {
        Self {
            end,
            answer: None,
            partial_answers: None,
            note: None,
            usage: None,
            window_start: None,
            withholds_message: false,
            events: None,
            last_event: 0,
            now,
        }
    }

    /// Whether the run ends because its process stops or died.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        matches!(
            &self.end,
            RunEnd::Failed(error) if matches!(error.code, crate::RunErrorCode::Interrupted)
        )
    }

    /// Whether the run may leave an answer.
    #[must_use]
    pub const fn may_have_answer(&self) -> bool {
        self.answer.is_some() || self.partial_answers.is_some()
    }
}

/// A note for the model that no client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The id of the note's item.
    pub id: ItemId,
    /// The text.
    pub text: String,
}

/// An answer to store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerDraft {
    /// The text.
    pub text: String,
    /// The reason why the answer is incomplete; `None` for a complete answer.
    pub incomplete_reason: Option<IncompleteReason>,
    /// The reasoning that the model showed.
    pub reasoning: Option<String>,
}

impl AnswerDraft {
    /// A complete answer, without reasoning.
    #[must_use]
    pub fn complete(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// An answer that ended early, without reasoning.
    #[must_use]
    pub fn incomplete(text: impl Into<String>, reason: IncompleteReason) -> Self {
        Self {
            incomplete_reason: Some(reason),
            ..Self::complete(text)
        }
    }
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// The run.
    pub run: Run,
    /// The answer, if one was stored.
    pub assistant_message: Option<Message>,
}
