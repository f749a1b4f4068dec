//! What an operator may count, by the `metrics` facade: without a recorder it costs nothing. The
//! values of labels are bounded: nothing that a caller or a model wrote stands in one.

use std::time::Duration;

use chatkit_domain::{Run, RunStatus};
use metrics::{counter, gauge, histogram};

use crate::provider::ProviderError;

/// How a tool call ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToolEnd {
    Success,
    /// The tool, or what stands before it, told the model what is wrong.
    Refused,
    Failed,
    TimedOut,
}

/// Counts an active run for as long as it lives.
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
        // Part of the input.
        ("cached", usage.cached_tokens.unwrap_or_default()),
    ] {
        counter!("chatkit_tokens_total", "direction" => direction).increment(tokens);
    }
}

/// A run of a process that fell silent was closed.
pub(crate) fn run_closed() {
    counter!("chatkit_runs_total", "end" => "interrupted").increment(1);
}

/// The model was asked once.
pub(crate) fn model_call(outcome: &'static str, took: Duration) {
    counter!("chatkit_model_calls_total", "outcome" => outcome).increment(1);
    histogram!("chatkit_model_call_duration_seconds").record(took);
}

/// What the model's failure is called.
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

/// A tool was called; `tool` is the name of one that is registered.
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
