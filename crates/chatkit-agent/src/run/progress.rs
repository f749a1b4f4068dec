//! The progress of a run.

use std::time::{Duration, Instant};

use chatkit_domain::{
    AnswerDraft, IncompleteReason, ReasoningText, RunErrorCode, Usage, replace_nul,
};

use super::failure::EngineFailure;
use crate::{
    metrics,
    provider::{FinishReason, InputItem, RequestedCall},
};

/// The partial result of a run. It remains available if the loop is stopped.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The text of the answer, from all rounds.
    pub(super) text: String,
    /// The length of the text, in characters.
    pub(super) chars: usize,
    pub(super) reasoning: ReasoningText,
    pub(super) reasoning_chars: usize,
    /// The number of reasoning items that were stored.
    pub(super) thoughts: u32,
    /// Whether the next text starts a new round. It then starts a new paragraph.
    pub(super) is_new_round: bool,
    pub(super) has_called_tools: bool,
    pub(super) usage: Usage,
    pub(super) finish_reason: FinishReason,
    /// Whether the model's filter refused the newest message even without the history.
    pub(super) withholds_message: bool,
    /// The sequence number of the first item that the model received.
    pub(super) window_start: Option<u64>,
    /// Total time spent waiting for the model.
    pub(super) model_time: Duration,
    /// The time at which the current model request started, if there is one.
    pub(super) asking_since: Option<Instant>,
}

/// The text and the tool calls of one round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) text: String,
    pub(super) calls: Vec<RequestedCall>,
}

impl Progress {
    /// Records the end of the current model request. Does nothing without a current request.
    pub(super) fn stop_asking(&mut self, outcome: &'static str) {
        if let Some(since) = self.asking_since.take() {
            let took = since.elapsed();
            self.model_time += took;
            metrics::model_call(outcome, took);
        }
    }

    /// Returns the answer to store. A blank answer is stored only if the run completed, for example
    /// after a run that only called tools.
    pub(super) fn into_draft(
        self,
        incomplete_reason: Option<IncompleteReason>,
        is_completed: bool,
    ) -> Option<AnswerDraft> {
        let Self {
            text, reasoning, ..
        } = self;
        let is_blank = text.trim().is_empty();
        (is_completed || !is_blank).then(|| AnswerDraft {
            text: if is_blank { String::new() } else { text },
            incomplete_reason,
            reasoning: reasoning.into_text(),
        })
    }

    /// Returns the failure of a run whose answer is blank although the model ended it normally.
    pub(super) fn blank_end(&self) -> EngineFailure {
        EngineFailure::Run(
            match self.finish_reason {
                FinishReason::ContentFilter => RunErrorCode::ContentFiltered,
                FinishReason::Stop | FinishReason::Length => RunErrorCode::ModelFailed,
            },
            Some("the model's answer is empty".into()),
        )
    }
}

impl Round {
    /// Whether the model returned neither text nor calls.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.calls.is_empty()
    }

    /// Converts the round to model input for the next request.
    pub(super) fn into_input(self) -> InputItem {
        let Self { text, calls } = self;
        let calls = calls.into_iter().map(|call| RequestedCall {
            call_id: replace_nul(call.call_id),
            tool_name: replace_nul(call.tool_name),
            arguments: replace_nul(call.arguments),
            provider_data: call.provider_data.map(replace_nul),
        });
        InputItem::Assistant {
            text: replace_nul(text),
            calls: calls.collect(),
        }
    }
}

/// Returns the reason why an answer that the model ended is incomplete. Returns `None` if it is
/// complete.
pub(super) const fn incomplete_reason(finish: FinishReason) -> Option<IncompleteReason> {
    match finish {
        FinishReason::Stop => None,
        FinishReason::Length => Some(IncompleteReason::Length),
        FinishReason::ContentFilter => Some(IncompleteReason::ContentFilter),
    }
}
