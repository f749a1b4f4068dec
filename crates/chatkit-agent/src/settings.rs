//! The bounds within which the agent answers.

use std::time::Duration;

/// How the agent answers, and the bounds of a run.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// The model's name.
    pub model: String,
    /// The system prompt.
    pub instructions: String,
    /// How many of the newest user and assistant messages the model is given.
    pub context_messages: u32,
    /// How many characters of them at most; the newest message is always given whole.
    pub context_chars: usize,
    /// How often the model may ask for tools in one run.
    pub max_tool_rounds: u32,
    /// The most characters of a tool's result that the model receives, now and in later turns.
    pub max_tool_result_chars: usize,
    /// How long one tool call may take.
    pub tool_timeout: Duration,
    /// The longest silence allowed before or between the parts of the model's answer.
    pub model_timeout: Duration,
    /// How long a run may take.
    pub run_timeout: Duration,
    /// Longest answer, in characters.
    pub max_answer_chars: usize,
    /// How many active runs a user may have.
    pub max_runs_per_user: u32,
    /// How many runs this process answers at once.
    pub max_runs: usize,
    /// How long a run is safe from other replicas without a sign of life.
    pub run_lease: Duration,
    /// After what time deleted conversations are purged.
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
