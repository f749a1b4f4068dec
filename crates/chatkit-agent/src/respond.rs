//! One run from its begin to its end, whatever answers it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chatkit_domain::{
    AnswerDraft, BegunRun, Caller, Dialect, FinishRun, FinishedRun, IncompleteReason,
    RepositoryError, Run, RunEnd, RunError, RunErrorCode, RunFence, replace_nul,
};
use chatkit_protocol::ThreadStreamEvent as Event;
use chatkit_tools::ToolContext;
use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{Shared, insist},
    engine::{Answered, Engine, EngineInput, STOPPED_NOTE},
    journal::{EnteredRun, Stop},
    metrics::{self, ActiveRun},
    provider::FinishReason,
    responder::{Reply, ResponderError},
    start::{EndedRun, FailureDetails, RunOptions},
    turn::Turn,
};

/// Why a responder did not answer.
enum Failure {
    Stop(Stop),
    TimedOut,
    Responder(ResponderError),
}

impl Shared {
    /// Answers a run to its end. `None` when it was lost.
    pub(crate) async fn answer(
        self: Arc<Self>,
        caller: Caller,
        begun: BegunRun,
        options: RunOptions,
        entered: EnteredRun,
    ) -> Option<EndedRun> {
        let BegunRun {
            run,
            user_message,
            again,
        } = begun;
        let fence = RunFence {
            run_id: run.id,
            conversation_id: run.conversation_id,
            owner: self.journal.owner(),
        };
        let _active = ActiveRun::begin();
        let asked = (&run, &user_message, &options);
        let turn = Turn::new(&self, fence, &entered, &caller, asked);
        let answered = AssertUnwindSafe(self.respond(&turn, &entered, again))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                tracing::error!("what answers the run panicked");
                Some(self.ended(RunEnd::Failed(RunError::new(RunErrorCode::Internal))))
            })?;
        let finish = with_items(answered.finish, &turn);
        let kept = self.keep(&caller, fence, finish, &entered).await?;
        Some(EndedRun {
            run: kept.run,
            assistant_message: kept.assistant_message,
            finish_reason: answered.finish_reason,
            model_time: answered.model_time,
            failure: answered.failure,
        })
    }

    async fn respond(
        self: &Arc<Self>,
        turn: &Turn<'_>,
        entered: &EnteredRun,
        again: bool,
    ) -> Option<Answered> {
        let until = Instant::now() + self.settings.run_timeout;
        let reply = tokio::select! {
            biased;
            reason = entered.stopped() => Err(Failure::Stop(reason)),
            reply = tokio::time::timeout_at(until, self.responder.respond(turn)) => match reply {
                Ok(reply) => reply.map_err(Failure::Responder),
                Err(_) => Err(Failure::TimedOut),
            },
        };
        match reply {
            Ok(Reply::Done) => Some(self.ended(RunEnd::Completed)),
            Ok(Reply::ByAgent) => {
                let task = EngineInput {
                    user_message_id: turn.user_message().id,
                    again,
                    options: turn.options().clone(),
                };
                let context = ToolContext {
                    caller: turn.caller().clone(),
                    run_id: turn.run().id,
                    cancellation: CancellationToken::new(),
                    clock: self.clock.clone(),
                };
                let emitter = turn.emitter();
                Engine::new(self.clone(), context, entered, emitter, task)
                    .answer(until)
                    .await
            }
            Err(failure) => self.conclude(turn, failure).await,
        }
    }

    /// How a run ends that a responder did not answer.
    async fn conclude(&self, turn: &Turn<'_>, failure: Failure) -> Option<Answered> {
        let emitter = turn.emitter();
        let failed = |code| RunEnd::Failed(RunError::new(code));
        let end = match failure {
            Failure::Stop(Stop::Lost) => return None,
            Failure::Stop(Stop::Cancelled) => RunEnd::Cancelled,
            Failure::Stop(Stop::Interrupted) => failed(RunErrorCode::Interrupted),
            Failure::TimedOut => failed(RunErrorCode::ModelTimeout),
            Failure::Responder(ResponderError::Refused {
                message,
                allow_retry,
            }) => {
                let message = replace_nul(message);
                emitter.tell(error("custom", Some(message.clone()), allow_retry));
                let code = RunErrorCode::Refused;
                RunEnd::Failed(RunError { code, message })
            }
            Failure::Responder(ResponderError::Failed {
                allow_retry,
                source,
            }) => {
                report(&*source);
                emitter.tell(error("stream.error", None, allow_retry));
                failed(RunErrorCode::Internal)
            }
            Failure::Responder(ResponderError::Repository(error)) => match error {
                RepositoryError::RunLost => return None,
                RepositoryError::NotFound if is_gone(turn).await => RunEnd::Cancelled,
                error => {
                    report(&error);
                    failed(match error {
                        RepositoryError::Unavailable(_) => RunErrorCode::Unavailable,
                        _ => RunErrorCode::Internal,
                    })
                }
            },
        };
        let mut answered = self.ended(end);
        answered.finish.note = match &answered.finish.end {
            RunEnd::Cancelled => Some((self.clock.id(), STOPPED_NOTE.to_owned())),
            _ => None,
        };
        Some(answered)
    }

    /// A run that ends so, with what was kept of it.
    fn ended(&self, end: RunEnd) -> Answered {
        Answered {
            finish: FinishRun {
                end,
                answer: None,
                begun: None,
                note: None,
                usage: None,
                window_start: None,
                withholds_message: false,
                events: None,
                last_event: 0,
                now: self.clock.now(),
            },
            finish_reason: FinishReason::Stop,
            model_time: Duration::ZERO,
            failure: FailureDetails::default(),
        }
    }

    /// Stores a run's end. The fence is owner and status, not time: a finished answer survives a
    /// database that is away for a while.
    async fn keep(
        &self,
        caller: &Caller,
        fence: RunFence,
        finish: FinishRun,
        entered: &EnteredRun,
    ) -> Option<FinishedRun> {
        let finish = entered.with_events(finish);
        let runs = &self.repositories.runs;
        let mut attempts = 0;
        let finished = insist(|| {
            attempts += 1;
            runs.finish(fence, finish.clone())
        })
        .await;
        match finished {
            Ok(finished) => {
                entered.tell_end(&finished, finish.last_event);
                report_end(&finished.run);
                Some(finished)
            }
            // An attempt may have been carried out, and only its answer lost; or another process
            // has ended it meanwhile. Who follows it reads which.
            Err(RepositoryError::RunLost) if attempts > 1 => self.stored_end(caller, fence).await,
            Err(RepositoryError::RunLost) => {
                tracing::warn!("the run was taken from this process; its answer is dropped");
                None
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not store the end of a run"
                );
                None
            }
        }
    }

    async fn stored_end(&self, caller: &Caller, fence: RunFence) -> Option<FinishedRun> {
        let runs = &self.repositories.runs;
        let outcome = runs
            .outcome(caller, fence.conversation_id, fence.run_id)
            .await
            .ok()?;
        report_end(&outcome.run);
        Some(FinishedRun {
            run: outcome.run,
            assistant_message: outcome.assistant_message,
        })
    }
}

/// Whether the conversation was deleted since the run began.
async fn is_gone(turn: &Turn<'_>) -> bool {
    matches!(turn.conversation().await, Err(RepositoryError::NotFound))
}

/// The end with what the turn wrote before it.
fn with_items(finish: FinishRun, turn: &Turn<'_>) -> FinishRun {
    let emitter = turn.emitter();
    let reason = match &finish.end {
        RunEnd::Completed => None,
        RunEnd::Cancelled => Some(IncompleteReason::Cancelled),
        RunEnd::Failed(error) if error.code == RunErrorCode::Interrupted => {
            Some(IncompleteReason::Interrupted)
        }
        // A responder that fails or refuses takes back what it had only started (ChatKit's
        // reference server does so too).
        RunEnd::Failed(error)
            if matches!(error.code, RunErrorCode::Internal | RunErrorCode::Refused) =>
        {
            None
        }
        RunEnd::Failed(_) => Some(IncompleteReason::Failed),
    };
    let begun = emitter.has_kept().then(|| {
        let partial = |reason| emitter.partial_answers(reason);
        reason.map(partial).unwrap_or_default()
    });
    // Dialects that wait for a message get an empty one.
    let waits = turn.run().dialect != Dialect::ChatKit;
    let says_nothing = finish.end == RunEnd::Completed && finish.answer.is_none();
    let nothing = waits && says_nothing && !emitter.has_answered();
    let nothing = nothing.then(AnswerDraft::default);
    FinishRun {
        answer: finish.answer.or(nothing),
        begun,
        ..finish
    }
}

/// An error as clients are told it.
fn error(code: &str, message: Option<String>, allow_retry: bool) -> Event {
    Event::Error {
        code: code.to_owned(),
        message,
        allow_retry,
    }
}

fn report(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "the responder did not answer the run");
}

fn report_end(run: &Run) {
    metrics::run_ended(run);
    let usage = run.usage.unwrap_or_default();
    tracing::info!(
        status = ?run.status,
        error = run.error.as_ref().map(|error| error.code.as_str()),
        tool_calls = run.tool_calls.len(),
        input_tokens = usage.input_tokens,
        output_tokens = usage.output_tokens,
        "run ended"
    );
}
