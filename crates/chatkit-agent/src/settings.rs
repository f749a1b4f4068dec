//! The settings of the agent.

use std::time::Duration;

/// The settings of the agent, and the limits of a run.
#[derive(Clone, Debug)]
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

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            model: "rules".to_owned(),
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
}
