//! The loop that answers one run: ask the model, call the tools it asks for, ask again.

mod ask;
mod progress;

use std::{sync::Arc, time::Duration};

use chatkit_domain::{
    FinishRun, IncompleteReason, Item, ItemId, RepositoryError, RunEnd, RunError, RunErrorCode,
    ToolCall,
};
use chatkit_tools::ToolContext;

use self::progress::{Progress, incomplete_reason};
use crate::{
    agent::{Shared, insist},
    emitter::Emitter,
    journal::{EnteredRun, Stop},
    provider::{FinishReason, InputItem, ProviderError},
    start::{FailureDetails, RunOptions},
    thinking::Thinking,
    tool_round::ToolRound,
    transcript::{MAX_ROUND_CALLS, Window, note_on_calls, round_input},
};

/// The note to the model after an answer that its user stopped.
pub(crate) const STOPPED_NOTE: &str = "The user stopped this answer.";

/// A note to the model that an answer failed.
const BROKEN_OFF_NOTE: &str = "This answer broke off.";

/// Answers one run.
pub(crate) struct Engine<'a> {
    shared: Arc<Shared>,
    context: ToolContext,
    entered: &'a EnteredRun,
    emitter: &'a Emitter<'a>,
    task: EngineInput,
    progress: Progress,
    /// The thought that the model is showing.
    thinking: Option<Thinking>,
}

/// What the engine is to do, besides the conversation itself.
#[derive(Debug)]
pub(crate) struct EngineInput {
    /// The message that the run answers.
    pub(crate) user_message_id: ItemId,
    /// Whether earlier runs may have failed to answer it.
    pub(crate) again: bool,
    /// How this run departs from the settings.
    pub(crate) options: RunOptions,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) finish: FinishRun,
    pub(crate) finish_reason: FinishReason,
    /// How long the model was waited for.
    pub(crate) model_time: Duration,
    /// Details of a failure that help the caller.
    pub(crate) failure: FailureDetails,
}

/// Why the loop ended without an answer.
#[derive(Debug)]
enum EngineFailure {
    /// A limit or an error, with its cause for the log.
    Run(
        RunErrorCode,
        Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// The model.
    Model(ProviderError),
    Stop(Stop),
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        context: ToolContext,
        entered: &'a EnteredRun,
        emitter: &'a Emitter<'a>,
        task: EngineInput,
    ) -> Self {
        Self {
            shared,
            context,
            entered,
            emitter,
            task,
            progress: Progress::default(),
            thinking: None,
        }
    }

    /// Runs until the answer is complete, its time is over, a limit is reached, or the run is
    /// stopped. Returns `None` if another process now owns the run.
    pub(crate) async fn answer(mut self, until: tokio::time::Instant) -> Option<Answered> {
        let entered = self.entered;
        let mut result = tokio::select! {
            biased;
            reason = entered.stopped() => Err(EngineFailure::Stop(reason)),
            result = tokio::time::timeout_at(until, self.converse()) =>
                result.unwrap_or(Err(EngineFailure::Run(RunErrorCode::ModelTimeout, None))),
        };
        self.context.cancellation.cancel();
        self.progress.stop_asking("stopped");
        let is_blank = self.progress.text.trim().is_empty();
        if result.is_ok() && is_blank && !self.progress.has_called_tools {
            result = Err(self.progress.blank_end());
        }
        let (finish_reason, model_time) = (self.progress.finish_reason, self.progress.model_time);
        let failure = match &result {
            Err(EngineFailure::Model(error)) => FailureDetails::of(error),
            _ => FailureDetails::default(),
        };
        Some(Answered {
            finish: self.conclude(result)?,
            finish_reason,
            model_time,
            failure,
        })
    }

    fn conclude(self, result: Result<(), EngineFailure>) -> Option<FinishRun> {
        let Progress {
            usage,
            window_start,
            withholds_message,
            finish_reason,
            ..
        } = self.progress;
        let note = |text: &str| Some((self.shared.clock.id(), text.to_owned()));
        let (end, reason, note) = match result {
            Ok(()) => (RunEnd::Completed, incomplete_reason(finish_reason), None),
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
                let failed = failed_by(&error);
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
            end,
            answer: self.progress.into_draft(reason, is_completed),
            begun: None,
            note,
            usage: Some(usage),
            window_start,
            withholds_message,
            events: None,
            last_event: 0,
            now: self.shared.clock.now(),
        })
    }

    async fn converse(&mut self) -> Result<(), EngineFailure> {
        let failed = self.failed_calls().await?;
        let mut window = self.window(&failed).await?;
        self.progress.window_start = window.start();
        let Shared { settings, .. } = &*self.shared;
        let max_rounds = settings.max_tool_rounds;
        let mut this_run: Vec<InputItem> = failed
            .chunk_by(|one, other| (one.run_id, one.round) == (other.run_id, other.round))
            .flat_map(|round| round_input("", round, settings.max_tool_result_chars))
            .collect();
        for round in 0..=max_rounds {
            let mut answer = self.ask(&mut window, &mut this_run, round).await?;
            answer.calls.truncate(MAX_ROUND_CALLS);
            if answer.calls.is_empty() {
                return Ok(());
            }
            if round == max_rounds {
                break;
            }
            self.end_thinking().await?;
            self.progress.has_called_tools = true;
            self.progress.is_new_round = true;
            let tools = ToolRound {
                shared: &self.shared,
                fence: self.emitter.fence,
                context: &self.context,
                entered: self.entered,
                round,
                content_offset: self.progress.chars,
            };
            let count = answer.calls.len();
            let results = tools.call(&answer.calls).await?;
            this_run.push(answer.into_input());
            this_run.extend(results);
            this_run.extend(note_on_calls(count));
        }
        Err(EngineFailure::Run(RunErrorCode::TooManyToolRounds, None))
    }

    /// The calls of runs that failed to answer the same message, so that none is repeated.
    async fn failed_calls(&self) -> Result<Vec<ToolCall>, EngineFailure> {
        if !self.task.again {
            return Ok(Vec::new());
        }
        let runs = &self.shared.repositories.runs;
        let conversation = self.emitter.fence.conversation_id;
        let message = self.task.user_message_id;
        let calls = runs.failed_tool_calls(&self.context.caller, conversation, message);
        Ok(calls.await?)
    }

    /// The part of the conversation that the model is given, without these calls.
    async fn window(&self, without: &[ToolCall]) -> Result<Window, EngineFailure> {
        let Shared {
            repositories,
            settings,
            ..
        } = &*self.shared;
        let caller = &self.context.caller;
        let conversation = self.emitter.fence.conversation_id;
        // One more than fits tells whether the window is exceeded.
        let most = settings.context_messages + 1;
        let mut context = insist(|| repositories.messages.context(caller, conversation, most))
            .await
            .map_err(|error| match error {
                // The conversation was deleted since the run started.
                RepositoryError::NotFound => EngineFailure::Stop(Stop::Cancelled),
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

fn report(code: RunErrorCode, error: Option<&(dyn std::error::Error + 'static)>) {
    // A wrong setting fails every run until an operator acts, so this is an error.
    if code == RunErrorCode::ModelUnavailable {
        tracing::error!(code = code.as_str(), error, "could not use the model");
    } else {
        tracing::warn!(code = code.as_str(), error, "could not complete the run");
    }
}

fn failed_by(error: &ProviderError) -> RunError {
    let code = match error {
        ProviderError::Failed(_) | ProviderError::Rejected(_) => RunErrorCode::ModelFailed,
        ProviderError::Unavailable { .. } => RunErrorCode::ModelUnavailable,
        ProviderError::ContextTooLong => RunErrorCode::ContextTooLong,
        ProviderError::ContentFiltered => RunErrorCode::ContentFiltered,
        ProviderError::Overloaded { .. } => RunErrorCode::ModelOverloaded,
        ProviderError::TimedOut => RunErrorCode::ModelTimeout,
        ProviderError::ParameterRefused { parameter } => {
            return RunError {
                code: RunErrorCode::ModelFailed,
                message: format!("The model does not support the parameter {parameter}."),
            };
        }
    };
    RunError::new(code)
}

impl From<ProviderError> for EngineFailure {
    fn from(error: ProviderError) -> Self {
        Self::Model(error)
    }
}

impl From<RepositoryError> for EngineFailure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::RunLost => Self::Stop(Stop::Lost),
            RepositoryError::Unavailable(_) => {
                Self::Run(RunErrorCode::Unavailable, Some(Box::new(error)))
            }
            error => Self::Run(RunErrorCode::Internal, Some(Box::new(error))),
        }
    }
}
