//! Metrics for operators, through the `metrics` facade. They cost nothing without a recorder.
//! Labels only have a limited number of values: text of a caller or a model is never used as a
//! label.

use std::time::Duration;

use chatkit_domain::{Run, RunStatus};
use metrics::{counter, gauge, histogram};

use crate::provider::ProviderError;

/// The outcome of a tool call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToolEnd {
    Success,
    /// The tool or the check of its arguments returned an error for the model.
    Refused,
    Failed,
    TimedOut,
}

/// Counts an active run until it is dropped.
pub(crate) struct ActiveRun(());

impl ActiveRun {
    pub(crate) fn start() -> Self {
        gauge!("chatkit_runs_active").increment(1.0);
        Self(())
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        gauge!("chatkit_runs_active").decrement(1.0);
    }
}

pub(crate) fn run_ended(run: &Run) {
    let end = match (run.status, &run.error) {
        (_, Some(error)) => error.code.as_str(),
        (RunStatus::Cancelled, None) => "cancelled",
        _ => "completed",
    };
    counter!("chatkit_runs_total", "end" => end).increment(1);
    let usage = run.usage.unwrap_or_default();
    for (direction, tokens) in [
        ("input", usage.input_tokens),
        ("output", usage.output_tokens),
        // Cached tokens are also counted as input.
        ("cached", usage.cached_tokens.unwrap_or_default()),
    ] {
        counter!("chatkit_tokens_total", "direction" => direction).increment(tokens);
    }
}

/// Counts a run that was closed because its process was silent for too long.
pub(crate) fn run_closed() {
    counter!("chatkit_runs_total", "end" => "interrupted").increment(1);
}

/// Counts one request to the model.
pub(crate) fn model_call(outcome: &'static str, took: Duration) {
    counter!("chatkit_model_calls_total", "outcome" => outcome).increment(1);
    histogram!("chatkit_model_call_duration_seconds").record(took);
}

/// Returns the label value for a failure of the model.
pub(crate) const fn model_outcome(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Failed(_) | ProviderError::Rejected(_) => "failed",
        ProviderError::Overloaded { .. } => "overloaded",
        ProviderError::TimedOut => "timed_out",
        ProviderError::ContextTooLong => "context_too_long",
        ProviderError::ContentFiltered => "content_filtered",
        ProviderError::Unavailable { .. } => "unavailable",
        ProviderError::ParameterRefused { .. } => "parameter_refused",
    }
}

/// Counts a tool call. `tool` must be the name of a registered tool.
pub(crate) fn tool_call(tool: Option<&str>, end: ToolEnd, took: Duration) {
    let tool = tool.unwrap_or("unknown").to_owned();
    let outcome = match end {
        ToolEnd::Success => "success",
        ToolEnd::Refused => "refused",
        ToolEnd::Failed => "failed",
        ToolEnd::TimedOut => "timed_out",
    };
    counter!("chatkit_tool_calls_total", "tool" => tool.clone(), "outcome" => outcome).increment(1);
    histogram!("chatkit_tool_call_duration_seconds", "tool" => tool).record(took);
}
