//! The loop that answers one run. It sends the conversation to the model, calls the requested
//! tools, and repeats.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{
    FinishRun, IncompleteReason, Item, ItemId, Note, RepositoryError, RunEnd, RunError,
    RunErrorCode, ToolCall,
};
use chatkit_tools::ToolContext;

use super::{
    exchange::Exchange,
    failure::{EngineFailure, report, run_error},
    progress::incomplete_reason,
    tool_round::ToolRound,
};
use crate::{
    core::AgentCore,
    log::journal::{EnteredRun, Stop},
    provider::{FinishReason, InputItem},
    request::RunOptions,
    retry::retry_while_unavailable,
    started::FailureDetails,
    transcript::{
        input::{MAX_ROUND_CALLS, note_on_calls, round_input},
        window::Window,
    },
    turn::emitter::Emitter,
};

/// The note to the model after an answer that the user stopped.
pub(super) const STOPPED_NOTE: &str = "The user stopped this answer.";

/// The note to the model after an answer that failed.
const BROKEN_OFF_NOTE: &str = "This answer broke off.";

/// Answers one run.
pub(super) struct Engine<'a> {
    core: Arc<AgentCore>,
    context: ToolContext,
    entered: &'a EnteredRun,
    emitter: &'a Emitter<'a>,
    user_message_id: ItemId,
    is_repeated: bool,
    exchange: Exchange<'a>,
}

/// The input of an engine, in addition to the conversation.
#[derive(Debug)]
pub(super) struct EngineInput {
    /// The message that the run answers.
    pub(super) user_message_id: ItemId,
    /// Whether earlier runs may have failed to answer the message.
    pub(super) is_repeated: bool,
    /// The options of this run, which override the settings.
    pub(super) options: RunOptions,
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) finish: FinishRun,
    pub(super) finish_reason: FinishReason,
    /// The total time spent waiting for the model.
    pub(super) model_time: Duration,
    /// Details of a failure that help the caller.
    pub(super) failure: FailureDetails,
    /// Whether the run has stored tool calls.
    pub(super) has_called_tools: bool,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        core: Arc<AgentCore>,
        context: ToolContext,
        entered: &'a EnteredRun,
        emitter: &'a Emitter<'a>,
        input: EngineInput,
    ) -> Self {
        Self {
            exchange: Exchange::new(core.clone(), entered, emitter, input.options),
            core,
            context,
            entered,
            emitter,
            user_message_id: input.user_message_id,
            is_repeated: input.is_repeated,
        }
    }

    /// Answers the run until the answer is complete, the run is stopped, or a limit of time or size
    /// is reached. Returns `None` if another process now owns the run.
    pub(super) async fn answer(mut self, until: tokio::time::Instant) -> Option<Answered> {
        let entered = self.entered;
        let mut result = tokio::select! {
            biased;
            reason = entered.stopped() => Err(EngineFailure::Stop(reason)),
            result = tokio::time::timeout_at(until, self.converse()) =>
                result.unwrap_or(Err(EngineFailure::Run(RunErrorCode::ModelTimeout, None))),
        };
        self.context.cancellation.cancel();
        let progress = &mut self.exchange.progress;
        progress.stop_asking("stopped");
        let is_blank = progress.text.trim().is_empty();
        if result.is_ok() && is_blank && !progress.has_called_tools {
            result = Err(progress.blank_end());
        }
        let (finish_reason, model_time) = (progress.finish_reason, progress.model_time);
        let has_called_tools = progress.has_called_tools;
        let failure = match &result {
            Err(EngineFailure::Model(error)) => FailureDetails::of(error),
            _ => FailureDetails::default(),
        };
        Some(Answered {
            finish: self.conclude(result)?,
            finish_reason,
            model_time,
            failure,
            has_called_tools,
        })
    }

    fn conclude(self, result: Result<(), EngineFailure>) -> Option<FinishRun> {
        let progress = self.exchange.progress;
        let note = |text: &str| {
            Some(Note {
                id: self.core.clock.id(),
                text: text.to_owned(),
            })
        };
        let (end, reason, note) = match result {
            Ok(()) => (
                RunEnd::Completed,
                incomplete_reason(progress.finish_reason),
                None,
            ),
            Err(EngineFailure::Stop(Stop::Lost)) => return None,
            Err(EngineFailure::Stop(Stop::Cancelled)) => {
                let reason = Some(IncompleteReason::Cancelled);
                (RunEnd::Cancelled, reason, note(STOPPED_NOTE))
            }
            Err(EngineFailure::Stop(Stop::Interrupted)) => {
                let end = RunEnd::Failed(RunError::new(RunErrorCode::Interrupted));
                (end, Some(IncompleteReason::Interrupted), None)
            }
            Err(EngineFailure::Model(error)) => {
                let failed = run_error(&error);
                report(failed.code, Some(&error));
                let reason = Some(IncompleteReason::Failed);
                (RunEnd::Failed(failed), reason, note(BROKEN_OFF_NOTE))
            }
            Err(EngineFailure::Run(code, cause)) => {
                report(code, cause.as_deref().map(|cause| cause as _));
                let end = RunEnd::Failed(RunError::new(code));
                (end, Some(IncompleteReason::Failed), note(BROKEN_OFF_NOTE))
            }
        };
        let is_completed = end == RunEnd::Completed;
        Some(FinishRun {
            note,
            usage: Some(progress.usage),
            window_start: progress.window_start,
            withholds_message: progress.withholds_message,
            answer: progress.into_draft(reason, is_completed),
            ..FinishRun::new(end, self.core.clock.now())
        })
    }

    async fn converse(&mut self) -> Result<(), EngineFailure> {
        let failed = self.failed_calls().await?;
        let mut window = self.window(&failed).await?;
        self.exchange.progress.window_start = window.start();
        let core = self.core.clone();
        let settings = &core.settings;
        let max_rounds = settings.max_tool_rounds;
        let mut this_run: Vec<InputItem> = failed
            .chunk_by(|one, other| (one.run_id, one.round) == (other.run_id, other.round))
            .flat_map(|round| round_input("", round, settings.max_tool_result_chars))
            .collect();
        for round in 0..=max_rounds {
            let mut answer = self.exchange.ask(&mut window, &mut this_run, round).await?;
            answer.calls.truncate(MAX_ROUND_CALLS);
            if answer.calls.is_empty() {
                return Ok(());
            }
            if round == max_rounds {
                break;
            }
            self.exchange.end_thinking().await?;
            self.exchange.progress.has_called_tools = true;
            self.exchange.progress.is_new_round = true;
            let tools = ToolRound {
                core: &self.core,
                fence: self.emitter.fence,
                context: &self.context,
                entered: self.entered,
                round,
                content_offset: self.exchange.progress.chars,
            };
            let count = answer.calls.len();
            let results = tools.call(&answer.calls).await?;
            this_run.push(answer.into_input());
            this_run.extend(results);
            this_run.extend(note_on_calls(count));
        }
        Err(EngineFailure::Run(RunErrorCode::TooManyToolRounds, None))
    }

    /// Returns the tool calls of earlier runs that failed to answer the same message. The model
    /// must not repeat them.
    async fn failed_calls(&self) -> Result<Vec<ToolCall>, EngineFailure> {
        if !self.is_repeated {
            return Ok(Vec::new());
        }
        let runs = &self.core.repositories.runs;
        let conversation = self.emitter.fence.conversation_id;
        let message = self.user_message_id;
        let calls = runs.failed_tool_calls(&self.context.caller, conversation, message);
        Ok(calls.await?)
    }

    /// Returns the window of the conversation without these calls.
    async fn window(&self, without: &[ToolCall]) -> Result<Window, EngineFailure> {
        let AgentCore {
            repositories,
            settings,
            ..
        } = &*self.core;
        let caller = &self.context.caller;
        let conversation = self.emitter.fence.conversation_id;
        // One message more than the limit shows that the window is exceeded.
        let most = settings.context_messages + 1;
        let mut context =
            retry_while_unavailable(|| repositories.messages.context(caller, conversation, most))
                .await
                .map_err(|error| match error {
                    // The conversation was deleted after the run started.
                    RepositoryError::NotFound(_) => EngineFailure::Stop(Stop::Cancelled),
                    error => error.into(),
                })?;
        for item in &mut context.items {
            if let Item::Message(message) = item {
                let is_known = |call: &ToolCall| without.iter().any(|known| known.id == call.id);
                message.tool_calls.retain(|call| !is_known(call));
            }
        }
        let limits = (settings.context_messages as usize, settings.context_chars);
        Ok(Window::new(
            context.items,
            context.window_start,
            limits,
            settings.max_tool_result_chars,
        ))
    }
}
