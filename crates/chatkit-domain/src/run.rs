//! One attempt of the agent to answer.

use chrono::{DateTime, Utc};

use crate::{ConversationId, ItemId, RunId, ToolCall};

/// One attempt of the agent to answer a user message.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The conversation it answers in.
    pub conversation_id: ConversationId,
    /// The API by which it came.
    pub dialect: Dialect,
    /// Where it stands.
    pub status: RunStatus,
    /// The message it answers.
    pub user_message_id: Option<ItemId>,
    /// The answer: fixed when the run begins, gone when it ended without one.
    pub assistant_message_id: Option<ItemId>,
    /// The model that answers.
    pub model: Option<String>,
    /// What it cost, once it ended.
    pub usage: Option<Usage>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Its tool calls, in the model's order.
    pub tool_calls: Vec<ToolCall>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When an engine took it up.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Run {
    /// The run as it stood when it began.
    #[must_use]
    pub fn as_begun(&self) -> Self {
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

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Waiting for an engine.
    Queued,
    /// Being answered.
    Running,
    /// Waiting for the user to approve a tool call.
    AwaitingApproval,
    /// Answered.
    Completed,
    /// Ended by an error.
    Failed,
    /// Stopped by its user.
    Cancelled,
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

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The model finished its answer.
    Completed,
    /// It could not be answered.
    Failed(RunError),
    /// Its user stopped it.
    Cancelled,
}

impl RunEnd {
    /// The status of a run that ended so.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        match self {
            Self::Completed => RunStatus::Completed,
            Self::Failed(_) => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunError {
    /// What kind of failure.
    pub code: RunErrorCode,
    /// One plain sentence, safe to show.
    pub message: String,
}

impl RunError {
    /// The failure of this kind, in its own words.
    #[must_use]
    pub fn new(code: RunErrorCode) -> Self {
        Self {
            code,
            message: code.message().to_owned(),
        }
    }
}

/// What kind of failure ended a run; the strings are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunErrorCode {
    /// The model answered with an error, with nonsense, or was cut off.
    ModelFailed,
    /// The model was silent for too long, or the run took too long.
    ModelTimeout,
    /// The model asks to come back later.
    ModelOverloaded,
    /// The model's server refuses the key, does not know the model, or refuses a required part of
    /// every request. An operator must fix the configuration.
    ModelUnavailable,
    /// Even the newest message alone is too long for the model.
    ContextTooLong,
    /// The model's filter refused the message.
    ContentFiltered,
    /// The model kept calling tools after its rounds were used up.
    TooManyToolRounds,
    /// The answer grew beyond its bound.
    AnswerTooLong,
    /// The database was away for too long.
    Unavailable,
    /// The process died, lost its lease or was stopped.
    Interrupted,
    /// What answers did not want to; the message says why.
    Refused,
    /// A bug of the server.
    Internal,
}

impl RunErrorCode {
    /// Every code.
    pub const ALL: [Self; 12] = [
        Self::ModelFailed,
        Self::ModelTimeout,
        Self::ModelOverloaded,
        Self::ModelUnavailable,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::TooManyToolRounds,
        Self::AnswerTooLong,
        Self::Unavailable,
        Self::Interrupted,
        Self::Refused,
        Self::Internal,
    ];

    /// The code as clients and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelFailed => "model_failed",
            Self::ModelTimeout => "model_timeout",
            Self::ModelOverloaded => "model_overloaded",
            Self::ModelUnavailable => "model_unavailable",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::TooManyToolRounds => "too_many_tool_rounds",
            Self::AnswerTooLong => "answer_too_long",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
            Self::Internal => "internal_error",
        }
    }

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

/// What a run cost, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens given to the model, over all its rounds.
    pub input_tokens: u64,
    /// Tokens the model produced.
    pub output_tokens: u64,
    /// Input tokens that the provider's prompt cache supplied. `None` if the model's server does
    /// not say.
    pub cached_tokens: Option<u64>,
    /// Whether they were counted as characters / 4 because the model's server sent no numbers.
    pub estimated: bool,
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub const fn total_tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }

    /// A guess from character counts, for servers that send no usage.
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

/// The API by which a run was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/api/chat/…`.
    Rest,
    /// `/api/v1/chat`, `/api/{user_id}/chat`, `/api/chat`.
    Chat,
    /// OpenAI chat completions.
    Completions,
    /// The ChatKit protocol.
    ChatKit,
}
