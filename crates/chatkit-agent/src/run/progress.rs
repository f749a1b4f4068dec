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

/// The partial result of a run. It survives when the loop is stopped midway.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The answer's text, of all rounds.
    pub(super) text: String,
    /// The length of the text, in characters.
    pub(super) chars: usize,
    pub(super) reasoning: ReasoningText,
    pub(super) reasoning_chars: usize,
    /// The number of reasoning items that were stored.
    pub(super) thoughts: u32,
    /// Whether the next text starts a new round and so a new paragraph.
    pub(super) is_new_round: bool,
    pub(super) has_called_tools: bool,
    pub(super) usage: Usage,
    pub(super) finish_reason: FinishReason,
    /// Whether the model's filter refused the newest message even alone.
    pub(super) withholds_message: bool,
    /// The sequence number of the first item that the model was given.
    pub(super) window_start: Option<u64>,
    /// Total time spent waiting for the model.
    pub(super) model_time: Duration,
    /// The start of the current model request, if there is one.
    pub(super) asking_since: Option<Instant>,
}

/// The model's text and tool calls of one round.
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

    /// The answer to store. A blank one is stored only if the run completed, as after a run that
    /// only called tools.
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

    /// Why a run ended without an answer although the model ended it itself.
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
    /// Whether the model said and called nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.calls.is_empty()
    }

    /// The round as the model reads it next.
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

/// Why an answer that the model ended itself is incomplete.
pub(super) const fn incomplete_reason(finish: FinishReason) -> Option<IncompleteReason> {
    match finish {
        FinishReason::Stop => None,
        FinishReason::Length => Some(IncompleteReason::Length),
        FinishReason::ContentFilter => Some(IncompleteReason::ContentFilter),
    }
}
