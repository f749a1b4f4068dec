use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Caller, Conversation, ConversationId, ConversationStatus, Dialect, EventBatch,
    IncompleteReason, Item, ItemDraft, ItemId, Message, MessageDetails, MessageText, NumberedEvent,
    RepositoryError, Role, Run, RunEnd, RunId, Title, ToolCall, ToolCallId, ToolCallStatus, Usage,
};

/// Keeps runs and everything that they write.
///
/// The methods that take a [`RunFence`] write only while the run is active and still belongs to
/// that owner, and answer [`RepositoryError::RunLost`] otherwise.
#[async_trait]
pub trait RunRepository: std::fmt::Debug + Send + Sync {
    /// Asks a run to stop, wherever it is answered, and returns it as it stands: active until its
    /// owner has heard of it, or as it ended before.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`].
    async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError>;

    /// Tells that an owner begins its work, before its first run. Where it is known for certain
    /// that earlier owners are dead, their leases end now: nobody need wait for them.
    async fn enter(&self, owner: RunOwner) -> Result<(), RepositoryError> {
        let _ = owner;
        Ok(())
    }

    /// Stores the user's message and begins the run that answers it, in one step. A run whose
    /// lease ran out is closed as interrupted on the way.
    ///
    /// # Errors
    /// `NotFound`; `RunActive` while another run answers in the conversation; `TooManyRuns`;
    /// `WrongMessage` and `KeyReused` as [`RunInput::Again`] and [`Idempotency`] say.
    async fn begin(&self, caller: &Caller, begin: BeginRun) -> Result<Begun, RepositoryError>;

    /// One run with its tool calls.
    ///
    /// # Errors
    /// `NotFound`, also when the run stands in another conversation.
    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError>;

    /// The tool calls of runs that failed to answer this message, oldest first.
    async fn failed_tool_calls(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        user_message: ItemId,
    ) -> Result<Vec<ToolCall>, RepositoryError>;

    /// What a run that has ended left: the run, the message it answers, and the answer.
    ///
    /// # Errors
    /// `NotFound`, also for messages that left the history since.
    async fn outcome(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<RunOutcome, RepositoryError>;

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

    /// Records how a tool call ended.
    ///
    /// # Errors
    /// `RunLost`.
    async fn finish_tool_call(
        &self,
        fence: RunFence,
        outcome: &ToolCallOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Keeps what a run writes before its end, in one step: its items in this order, and what it
    /// changes of its conversation.
    ///
    /// # Errors
    /// `RunLost`; `WrongMessage` for an id that is another conversation's, the user's message's or of
    /// an item of another kind.
    async fn keep(&self, fence: RunFence, keep: KeepItems) -> Result<KeptItems, RepositoryError>;

    /// Ends a run: its answer, its note for the model, its cost and its status, in one step.
    /// Tool calls that still run are recorded as `cancelled` if the user stopped the run or if it
    /// failed, and as `unknown` if it was interrupted.
    ///
    /// # Errors
    /// `RunLost`.
    async fn finish(
        &self,
        fence: RunFence,
        finish: FinishRun,
    ) -> Result<FinishedRun, RepositoryError>;

    /// Extends the leases of these runs by the database's clock, keeps these events of theirs, and
    /// tells which are still the owner's, in one step; of a run that is missing in the answer
    /// nothing was kept: it is lost. Events of which it is not known whether they were kept may come
    /// again, with or without later ones behind them.
    async fn checkpoint(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError>;

    /// The kept events of a run with numbers greater than `after`, as many as are read at once, and
    /// where the run stands.
    ///
    /// # Errors
    /// `NotFound`, also when the run stands in another conversation.
    async fn events(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError>;
}

/// The process that answers a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOwner {
    /// Drawn anew by every process that starts.
    pub id: Uuid,
    /// How long the run is safe from others without a sign of life.
    pub lease: Duration,
}

/// The right to write for a run: lost with the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFence {
    /// The run.
    pub run_id: RunId,
    /// Where it answers.
    pub conversation_id: ConversationId,
    /// Who writes for it.
    pub owner: RunOwner,
}

/// A run to begin.
#[derive(Clone, Debug)]
pub struct BeginRun {
    /// Its id.
    pub id: RunId,
    /// Where it answers.
    pub target: RunTarget,
    /// What it answers.
    pub input: RunInput,
    /// The caller's key for this turn, where there is one.
    pub idempotency: Option<Idempotency>,
    /// How many active runs the user may have, this one included.
    pub max_runs_per_user: u32,
    /// The id that the answer will have.
    pub assistant_message_id: ItemId,
    /// The API by which it came.
    pub dialect: Dialect,
    /// Whether the message names a conversation that nobody named.
    pub names_conversation: bool,
    /// The model that will answer.
    pub model: String,
    /// Who answers it.
    pub owner: RunOwner,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// Where a run answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTarget {
    /// In a conversation of the caller's.
    Existing(ConversationId),
    /// In a new conversation, created in the same step.
    New {
        /// The id that it will have.
        id: ConversationId,
        /// What was said before, oldest first; it becomes the conversation's first messages.
        earlier: Vec<EarlierMessage>,
    },
}

/// Something that was said before the conversation was kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierMessage {
    /// Its id.
    pub id: ItemId,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// What a run answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunInput {
    /// A message that is stored with it.
    Message {
        /// The id that the message will have.
        id: ItemId,
        /// What the user says.
        text: MessageText,
        /// What its dialect keeps beside the text.
        details: Option<Box<MessageDetails>>,
    },
    /// A message that is stored already. What came after it leaves the history, and is put back
    /// when the run fails, or ends without an answer. `WrongMessage` when it is none.
    Again(ItemId),
}

/// A caller's key for a turn, so that a repeated call is the same turn.
///
/// While a run with the key exists, the key stands for it: a call with another fingerprint is
/// `KeyReused`; otherwise the run is met as it is, but for one that failed, whose message is
/// answered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, unique per user.
    pub key: String,
    /// What was asked with it.
    pub fingerprint: String,
}

impl RunTarget {
    /// The conversation, existing or new.
    #[must_use]
    pub const fn conversation_id(&self) -> ConversationId {
        match self {
            Self::Existing(id) | Self::New { id, .. } => *id,
        }
    }
}

/// What beginning a run met.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// A new run.
    New(Box<BegunRun>),
    /// The run that the key stands for, active or ended.
    Known(Box<Run>),
}

/// What a run that has ended left.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// The run.
    pub run: Run,
    /// The message it answers.
    pub user_message: Message,
    /// Its answer, where one was kept.
    pub assistant_message: Option<Message>,
}

/// A run that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct BegunRun {
    /// The run.
    pub run: Run,
    /// The message it answers, stored.
    pub user_message: Message,
    /// Whether an earlier run answered the same message, or failed to.
    pub again: bool,
}

/// A tool call that is about to run.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToolCall {
    /// Its id.
    pub id: ToolCallId,
    /// In which round of the run, from 0.
    pub round: u32,
    /// At which place of the round, from 0.
    pub position: u32,
    /// The model's id for it.
    pub call_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// Its arguments; empty when the model sent no JSON object.
    pub arguments: Map<String, Value>,
    /// What the model sent where it was no JSON object.
    pub arguments_text: Option<String>,
    /// The arguments byte for byte, as the model wrote them.
    pub raw_arguments: String,
    /// The number of characters of the answer's text before the call.
    pub content_offset: u64,
    /// Data that the model's server attached to the call and wants back, as JSON text.
    pub provider_data: Option<String>,
}

/// How a tool call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCallOutcome {
    /// The call.
    pub id: ToolCallId,
    /// `Success`, `Error` or `Cancelled`.
    pub status: ToolCallStatus,
    /// What it gave back.
    pub result: Option<Value>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// How long it took, in milliseconds.
    pub execution_time_ms: u64,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishRun {
    /// How it ended.
    pub end: RunEnd,
    /// The answer to store, if there is one.
    pub answer: Option<AnswerDraft>,
    /// Answers that it began, where it kept items before its end; those that are kept whole stay so.
    /// The last of its answers that stand in the history then is its answer.
    pub begun: Option<Vec<ItemDraft>>,
    /// A note for the model to keep behind the answer.
    pub note: Option<(ItemId, String)>,
    /// What it cost.
    pub usage: Option<Usage>,
    /// The sequence number of the first item that the model was given. The next run starts its
    /// window there.
    pub window_start: Option<u64>,
    /// Whether to withhold the user message from the model from now on. Set when the model's filter
    /// refused the message on its own.
    pub withholds_message: bool,
    /// The events that are not kept yet; none where nobody has seen any of the run's.
    pub events: Option<EventBatch>,
    /// The number of its last event, which tells the end.
    pub last_event: u64,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// An answer to store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerDraft {
    /// The text.
    pub text: String,
    /// Why it is incomplete; `None` for a complete answer.
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

    /// An answer that broke off, without reasoning.
    #[must_use]
    pub fn incomplete(text: impl Into<String>, reason: IncompleteReason) -> Self {
        Self {
            incomplete_reason: Some(reason),
            ..Self::complete(text)
        }
    }
}

impl FinishRun {
    /// Whether the run may leave an answer.
    #[must_use]
    pub const fn may_have_answer(&self) -> bool {
        self.answer.is_some() || self.begun.is_some()
    }
}

/// What a run writes before its end.
#[derive(Clone, Debug, PartialEq)]
pub struct KeepItems {
    /// The items to keep.
    pub put: Vec<ItemDraft>,
    /// Items that leave the history.
    pub remove: Vec<ItemId>,
    /// What changes of the conversation.
    pub changes: ConversationChanges,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// What changes of a conversation; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversationChanges {
    /// Another title.
    pub title: Option<Title>,
    /// Another status.
    pub status: Option<ConversationStatus>,
    /// Other domains, or no list of them.
    pub image_domains: Option<Option<Vec<String>>>,
    /// Other metadata.
    pub metadata: Option<Map<String, Value>>,
}

/// What was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptItems {
    /// The items, in the order in which they were given.
    pub items: Vec<Item>,
    /// The conversation as it is now.
    pub conversation: Conversation,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedRun {
    /// The run.
    pub run: Run,
    /// Its answer, where one was kept.
    pub assistant_message: Option<Message>,
}

/// Kept events of a run, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// The events, oldest first; none of the end, which is told by what the run left.
    pub events: Vec<NumberedEvent>,
    /// Up to where they were read: behind it the next page begins.
    pub last: u64,
    /// Whether more may be kept behind them.
    pub has_more: bool,
    /// What the run left and the number of its last event, once it has ended and there are no more.
    pub end: Option<(RunOutcome, u64)>,
}

/// A run that is still its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedRun {
    /// The run.
    pub id: RunId,
    /// Whether it is asked to stop.
    pub cancel_requested: bool,
}
