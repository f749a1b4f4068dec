//! The settings of the agent.

use std::time::Duration;

/// The settings of the agent, and the limits of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentSettings {
    /// The model's name.
    pub model: String,
    /// The system prompt.
    pub instructions: String,
    /// The maximum number of user and assistant messages that the model receives. These are the
    /// newest ones.
    pub context_messages: u32,
    /// The maximum number of characters of these messages. The newest message is never shortened.
    pub context_chars: usize,
    /// The maximum number of rounds in one run in which the model may call tools.
    pub max_tool_rounds: u32,
    /// The maximum number of characters of a tool result that the model receives, now and in later
    /// turns.
    pub max_tool_result_chars: usize,
    /// How long one tool call may take.
    pub tool_timeout: Duration,
    /// How long the model may be silent before or between the parts of its answer.
    pub model_timeout: Duration,
    /// How long a run may take.
    pub run_timeout: Duration,
    /// The maximum length of an answer, in characters.
    pub max_answer_chars: usize,
    /// The maximum number of active runs of a user.
    pub max_runs_per_user: u32,
    /// The maximum number of runs that this process answers at once.
    pub max_runs: usize,
    /// How long a process may be silent before another takes its run.
    pub run_lease: Duration,
    /// How long deleted conversations are stored before they are purged.
    pub deleted_ttl: Duration,
}

impl AgentSettings {
    /// Creates settings with this model and the default limits.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            instructions: String::new(),
            context_messages: 50,
            context_chars: 400_000,
            max_tool_rounds: 8,
            max_tool_result_chars: 16_000,
            tool_timeout: Duration::from_secs(30),
            model_timeout: Duration::from_secs(120),
            run_timeout: Duration::from_secs(600),
            max_answer_chars: 200_000,
            max_runs_per_user: 4,
            max_runs: 2_000,
            run_lease: Duration::from_secs(15),
            deleted_ttl: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }

    /// Sets the system prompt. The default is none.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = instructions.into();
        self
    }

    /// Sets the maximum number of messages that the model receives. The default is 50.
    #[must_use]
    pub fn with_context_messages(mut self, context_messages: u32) -> Self {
        self.context_messages = context_messages;
        self
    }

    /// Sets the maximum number of characters of these messages. The default is 400,000.
    #[must_use]
    pub fn with_context_chars(mut self, context_chars: usize) -> Self {
        self.context_chars = context_chars;
        self
    }

    /// Sets the maximum number of rounds with tool calls in one run. The default is 8.
    #[must_use]
    pub fn with_max_tool_rounds(mut self, max_tool_rounds: u32) -> Self {
        self.max_tool_rounds = max_tool_rounds;
        self
    }

    /// Sets the maximum number of characters of a tool result. The default is 16,000.
    #[must_use]
    pub fn with_max_tool_result_chars(mut self, max_tool_result_chars: usize) -> Self {
        self.max_tool_result_chars = max_tool_result_chars;
        self
    }

    /// Sets how long one tool call may take. The default is 30 seconds.
    #[must_use]
    pub fn with_tool_timeout(mut self, tool_timeout: Duration) -> Self {
        self.tool_timeout = tool_timeout;
        self
    }

    /// Sets how long the model may be silent. The default is 120 seconds.
    #[must_use]
    pub fn with_model_timeout(mut self, model_timeout: Duration) -> Self {
        self.model_timeout = model_timeout;
        self
    }

    /// Sets how long a run may take. The default is 10 minutes.
    #[must_use]
    pub fn with_run_timeout(mut self, run_timeout: Duration) -> Self {
        self.run_timeout = run_timeout;
        self
    }

    /// Sets the maximum length of an answer, in characters. The default is 200,000.
    #[must_use]
    pub fn with_max_answer_chars(mut self, max_answer_chars: usize) -> Self {
        self.max_answer_chars = max_answer_chars;
        self
    }

    /// Sets the maximum number of active runs of a user. The default is 4.
    #[must_use]
    pub fn with_max_runs_per_user(mut self, max_runs_per_user: u32) -> Self {
        self.max_runs_per_user = max_runs_per_user;
        self
    }

    /// Sets the maximum number of runs of this process. The default is 2,000.
    #[must_use]
    pub fn with_max_runs(mut self, max_runs: usize) -> Self {
        self.max_runs = max_runs;
        self
    }

    /// Sets how long a process may be silent before another takes its run. The default is 15
    /// seconds.
    #[must_use]
    pub fn with_run_lease(mut self, run_lease: Duration) -> Self {
        self.run_lease = run_lease;
        self
    }

    /// Sets how long deleted conversations are stored. The default is 30 days.
    #[must_use]
    pub fn with_deleted_ttl(mut self, deleted_ttl: Duration) -> Self {
        self.deleted_ttl = deleted_ttl;
        self
    }
}
