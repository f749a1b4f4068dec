//! Runs, which are attempts of the agent to answer.

use chrono::{DateTime, Utc};

use crate::{ConversationId, ItemId, Message, RunId, ToolCall, values::named_values};

/// One attempt of the agent to answer a user message.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's id.
    pub id: RunId,
    /// The conversation that contains the message and the answer.
    pub conversation_id: ConversationId,
    /// The API that started the run.
    pub dialect: Dialect,
    /// The state.
    pub status: RunStatus,
    /// The message that the run answers.
    pub user_message_id: Option<ItemId>,
    /// The answer. Known when the run starts; `None` once it has ended without one.
    pub assistant_message_id: Option<ItemId>,
    /// The model that answers.
    pub model: Option<String>,
    /// The cost. `None` until the run has ended.
    pub usage: Option<Usage>,
    /// The reason of a failure.
    pub error: Option<RunError>,
    /// The tool calls, in the model's order.
    pub tool_calls: Vec<ToolCall>,
    /// The time at which the run was created.
    pub created_at: DateTime<Utc>,
    /// The time at which the run started.
    pub started_at: Option<DateTime<Utc>>,
    /// The time at which the run ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Run {
    /// The run as it was when it started.
    #[must_use]
    pub fn as_started(&self) -> Self {
        Self {
            status: RunStatus::Running,
            usage: None,
            error: None,
            tool_calls: Vec::new(),
            ended_at: None,
            ..self.clone()
        }
    }
}

/// An ended run with its message and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// The run.
    pub run: Run,
    /// The message that the run answers.
    pub user_message: Message,
    /// The answer, if there is one.
    pub assistant_message: Option<Message>,
}

named_values! {
    /// The state of a run.
    pub enum RunStatus {
        /// The run waits for an engine.
        Queued = "queued",
        /// The run is being answered.
        Running = "running",
        /// The run waits for the user to approve a tool call.
        AwaitingApproval = "awaiting_approval",
        /// The run is answered.
        Completed = "completed",
        /// An error ended the run.
        Failed = "failed",
        /// The user stopped the run.
        Cancelled = "cancelled",
    }
}

impl RunStatus {
    /// The statuses of runs that may still change.
    pub const ACTIVE: [Self; 3] = [Self::Queued, Self::Running, Self::AwaitingApproval];

    /// Whether the run may still change.
    #[must_use]
    pub fn is_active(self) -> bool {
        Self::ACTIVE.contains(&self)
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The answer is complete, or the model itself cut it short.
    Completed,
    /// The run failed.
    Failed(RunError),
    /// The user stopped the run.
    Cancelled,
}

impl RunEnd {
    /// The status of a run with this end.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        match self {
            Self::Completed => RunStatus::Completed,
            Self::Failed(_) => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// The reason why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunError {
    /// The kind of failure.
    pub code: RunErrorCode,
    /// One plain sentence, safe to show.
    pub message: String,
}

impl RunError {
    /// A failure of this kind, with its usual sentence.
    #[must_use]
    pub fn new(code: RunErrorCode) -> Self {
        Self {
            code,
            message: code.message().to_owned(),
        }
    }
}

named_values! {
    /// The kind of failure that ended a run.
    pub enum RunErrorCode {
        /// The model returned an error or an unusable answer, or its connection broke.
        ModelFailed = "model_failed",
        /// The model was silent for too long, or the run took too long.
        ModelTimeout = "model_timeout",
        /// The model's server asks to retry later.
        ModelOverloaded = "model_overloaded",
        /// The model's server refuses the key, the model, or a part that every request has.
        ModelUnavailable = "model_unavailable",
        /// Even the newest message alone is too long for the model.
        ContextTooLong = "context_too_long",
        /// The model's filter refused the message.
        ContentFiltered = "content_filtered",
        /// The model kept calling tools.
        TooManyToolRounds = "too_many_tool_rounds",
        /// The answer exceeded its limit.
        AnswerTooLong = "answer_too_long",
        /// The database was unavailable for too long.
        Unavailable = "unavailable",
        /// The process died, lost its lease or was shut down.
        Interrupted = "interrupted",
        /// The responder refused to answer. The message is its reason.
        Refused = "refused",
        /// The server failed: a bug, or a responder's failure.
        Internal = "internal_error",
    }
}

impl RunErrorCode {
    const fn message(self) -> &'static str {
        match self {
            Self::ModelFailed => "The model did not give a usable answer.",
            Self::ModelTimeout => "The model took too long to answer.",
            Self::ModelOverloaded => "The model is overloaded; try again later.",
            Self::ModelUnavailable => {
                "The model is not available. Ask your administrator to check the server's model settings."
            }
            Self::ContextTooLong => "Your message is too long for the model.",
            Self::ContentFiltered => "The model's content filter refused your message.",
            Self::TooManyToolRounds => "The model kept calling tools instead of answering.",
            Self::AnswerTooLong => "The model's answer grew too long.",
            Self::Unavailable => "The server was too busy to go on; try again.",
            Self::Interrupted => "The answer was interrupted by a restart of the server.",
            Self::Refused => "This was not answered.",
            Self::Internal => "The server failed to answer.",
        }
    }
}

/// The cost of a run, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens sent to the model, over all rounds.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// Input tokens that the provider's prompt cache supplied. `None` if the model's server does
    /// not report them.
    pub cached_tokens: Option<u64>,
    /// Whether the counts are characters / 4 because the model's server sent no valid ones.
    pub estimated: bool,
}

impl Usage {
    /// The sum of input and output tokens.
    #[must_use]
    pub const fn total_tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }

    /// An estimate from character counts, for servers that send no usage.
    #[must_use]
    pub const fn estimate(input_chars: usize, output_chars: usize) -> Self {
        Self {
            input_tokens: (input_chars as u64).div_ceil(4),
            output_tokens: (output_chars as u64).div_ceil(4),
            cached_tokens: None,
            estimated: true,
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_tokens = match (self.cached_tokens, other.cached_tokens) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
        self.estimated |= other.estimated;
    }
}

named_values! {
    /// The API that started a run.
    pub enum Dialect {
        /// `/api/chat/…`.
        Rest = "rest",
        /// `/api/v1/chat`, `/api/{user_id}/chat`, `/api/chat`.
        Chat = "chat",
        /// OpenAI chat completions.
        Completions = "completions",
        /// The ChatKit protocol.
        ChatKit = "chatkit",
    }
}

impl Dialect {
    /// Whether a caller waits for a message. A run without a message then gets an empty one.
    #[must_use]
    pub const fn waits_for_message(self) -> bool {
        match self {
            Self::Rest | Self::Chat | Self::Completions => true,
            Self::ChatKit => false,
        }
    }
}
