use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    Caller, ConversationId, Dialect, ItemId, Message, MessageDetails, MessageText, NumberedEvent,
    RepositoryError, Role, Run, RunId, RunOutcome, ToolCall,
};

/// Starts, stops and reads runs on behalf of callers. [`RunJournal`](crate::RunJournal) is the port
/// of the process that answers them.
///
/// # Errors
/// Methods that take a run: `NotFound(Run)` if the run does not exist, is in another conversation,
/// or belongs to another user.
#[async_trait]
pub trait RunRepository: std::fmt::Debug + Send + Sync {
    /// Stores the user's message and starts the run that answers it, in one step. A run of the
    /// conversation whose lease has expired is closed as interrupted first.
    ///
    /// # Errors
    /// `NotFound(Conversation)`, and `NotFound(Message)` or `WrongMessage` as
    /// [`RunInput::Regenerate`] says; `RunActive` if another run is active in the conversation;
    /// `TooManyRuns`; `KeyReused` as [`Idempotency`] says.
    async fn start(&self, caller: &Caller, start: StartRun) -> Result<Started, RepositoryError>;

    /// Asks a run to stop, whichever process answers it. Returns the run as it is: active until
    /// its owner stops it, or ended.
    async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError>;

    /// Returns a run with its tool calls.
    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError>;

    /// Lists the tool calls of runs that failed to answer this message, oldest first.
    async fn failed_tool_calls(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        user_message: ItemId,
    ) -> Result<Vec<ToolCall>, RepositoryError>;

    /// Returns an ended run with the message that it answers and the answer. The messages may have
    /// left the history since.
    async fn outcome(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<RunOutcome, RepositoryError>;

    /// Returns stored events of a run with numbers greater than `after`, and the end of the run if
    /// it has ended. The number of events per call is bounded.
    async fn events(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError>;
}

/// A process that answers runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOwner {
    /// A random id that every process creates when it starts.
    pub id: Uuid,
    /// How long the owner may be silent before another process takes its runs.
    pub lease: Duration,
}

/// The right to write for a run. It is lost with the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFence {
    /// The run.
    pub run_id: RunId,
    /// The run's conversation.
    pub conversation_id: ConversationId,
    /// The process that writes.
    pub owner: RunOwner,
}

/// A run to start.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// The run's id.
    pub id: RunId,
    /// The conversation.
    pub target: RunTarget,
    /// The message to answer.
    pub input: RunInput,
    /// The caller's key for this turn.
    pub idempotency: Option<Idempotency>,
    /// The most active runs of the user, this one included.
    pub max_runs_per_user: u32,
    /// The id that the answer will have.
    pub assistant_message_id: ItemId,
    /// The API that starts the run.
    pub dialect: Dialect,
    /// Whether the message becomes the title of its conversation, if the conversation has none.
    pub names_conversation: bool,
    /// The model that will answer.
    pub model: String,
    /// The process that answers the run.
    pub owner: RunOwner,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// The conversation of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTarget {
    /// An existing conversation of the caller.
    Existing(ConversationId),
    /// A new conversation, created in the same step.
    New {
        /// The id that it will have.
        id: ConversationId,
        /// Earlier messages, oldest first. They become the conversation's first messages.
        earlier: Vec<EarlierMessage>,
    },
}

impl RunTarget {
    /// The id of the conversation, existing or new.
    #[must_use]
    pub const fn conversation_id(&self) -> ConversationId {
        match self {
            Self::Existing(id) | Self::New { id, .. } => *id,
        }
    }
}

/// A message from before the conversation was stored here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierMessage {
    /// The message's id.
    pub id: ItemId,
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// The message that a run answers.
#[derive(Clone, Debug, PartialEq)]
pub enum RunInput {
    /// A new message, stored with the run.
    Message {
        /// The id that the message will have.
        id: ItemId,
        /// The text.
        text: MessageText,
        /// The parts, and other data that the dialect stores besides the text.
        details: Option<Box<MessageDetails>>,
    },
    /// A user message of the history. Everything after it leaves the history, and is restored if
    /// the run fails or ends without an answer. `WrongMessage` for an assistant message.
    Regenerate(ItemId),
}

/// A caller's key for a turn, so that a repeated call is the same turn.
///
/// While a run with the key exists, a call with another fingerprint is `KeyReused`. A call with the
/// same fingerprint returns that run, unless it failed. Then its message is answered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, unique per user.
    pub key: String,
    /// A hash of the request.
    pub fingerprint: String,
}

/// The result of starting a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// A new run.
    New(Box<StartedRun>),
    /// The run of the idempotency key, active or ended.
    Known(Box<Run>),
}

/// A run that has started.
#[derive(Clone, Debug, PartialEq)]
pub struct StartedRun {
    /// The run.
    pub run: Run,
    /// The message that the run answers.
    pub user_message: Message,
    /// Whether an earlier run answered the same message, or failed to.
    pub is_repeated: bool,
}

/// Stored events of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// The events, oldest first, without those that end the run.
    pub events: Vec<Arc<NumberedEvent>>,
    /// The number after which the next page starts. It may be greater than that of the last event
    /// here, because a newer version may have stored events that this one cannot read.
    pub last: u64,
    /// Whether more events may be stored.
    pub has_more: bool,
    /// The end of the run, if it has ended and no more events are stored.
    pub end: Option<Box<EventsEnd>>,
}

/// The end of a run's events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsEnd {
    /// The run, its message and its answer.
    pub outcome: RunOutcome,
    /// The number of the run's last event.
    pub last_event: u64,
}
