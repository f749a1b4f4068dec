//! Answers one run: first by the responder, and then by the engine if the responder leaves the
//! answer to it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chatkit_domain::{
    Aside, Caller, FinishRun, Note, RunEnd, RunError, RunErrorCode, RunFence, StartedRun,
    replace_nul,
};
use chatkit_tools::ToolContext;
use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    ending,
    engine::{Answered, Engine, EngineInput, STOPPED_NOTE},
};
use crate::{
    core::AgentCore,
    log::journal::{EnteredRun, Stop},
    metrics::ActiveRun,
    provider::FinishReason,
    request::RunOptions,
    responder::{Reply, Responder, ResponderError},
    started::{EndedRun, FailureDetails},
    turn::{Turn, error::TurnError},
};

/// The reason why a responder did not answer.
enum RespondFailure {
    Stop(Stop),
    TimedOut,
    Responder(ResponderError),
}

/// The run and the parts that answer it.
pub(crate) struct Respond<'a> {
    pub(crate) core: &'a Arc<AgentCore>,
    pub(crate) responder: &'a dyn Responder,
    pub(crate) entered: &'a EnteredRun,
}

impl Respond<'_> {
    /// Answers a run to its end. Returns `None` if the run was lost.
    pub(crate) async fn run(
        &self,
        caller: &Caller,
        started: &StartedRun,
        options: &RunOptions,
    ) -> Option<EndedRun> {
        let StartedRun {
            run,
            user_message,
            is_repeated,
        } = started;
        let fence = RunFence {
            run_id: run.id,
            conversation_id: run.conversation_id,
            owner: self.core.journal.owner(),
        };
        let _active = ActiveRun::start();
        let asked = (run, user_message, options);
        let turn = Turn::new(self.core, fence, self.entered, caller, asked);
        let answered = AssertUnwindSafe(self.respond(&turn, *is_repeated))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                tracing::error!("the responder, the model client or a tool panicked");
                Some(Answered {
                    // The engine may have, before the panic.
                    has_called_tools: true,
                    ..self.ended(failed(RunErrorCode::Internal))
                })
            })?;
        ending::end_run(self.core, &turn, self.entered, answered).await
    }

    async fn respond(&self, turn: &Turn<'_>, is_repeated: bool) -> Option<Answered> {
        let until = Instant::now() + self.core.settings.run_timeout;
        let reply = tokio::select! {
            biased;
            reason = self.entered.stopped() => Err(RespondFailure::Stop(reason)),
            reply = tokio::time::timeout_at(until, self.responder.respond(turn)) => match reply {
                Ok(reply) => reply.map_err(RespondFailure::Responder),
                Err(_) => Err(RespondFailure::TimedOut),
            },
        };
        match reply {
            Ok(Reply::Done) => Some(self.ended(RunEnd::Completed)),
            Ok(Reply::ByAgent) => self.engine(turn, is_repeated).answer(until).await,
            Err(failure) => self.fail(turn, failure).await,
        }
    }

    fn engine<'b>(&'b self, turn: &'b Turn<'_>, is_repeated: bool) -> Engine<'b> {
        let input = EngineInput {
            user_message_id: turn.user_message().id,
            is_repeated,
            options: turn.options().clone(),
        };
        let context = ToolContext {
            caller: turn.caller().clone(),
            run_id: turn.run().id,
            cancellation: CancellationToken::new(),
            clock: self.core.clock.clone(),
        };
        let core = self.core.clone();
        Engine::new(core, context, self.entered, turn.emitter(), input)
    }

    /// Ends a run whose responder failed.
    async fn fail(&self, turn: &Turn<'_>, failure: RespondFailure) -> Option<Answered> {
        let end = match failure {
            RespondFailure::Stop(Stop::Lost) => return None,
            RespondFailure::Stop(Stop::Cancelled) => RunEnd::Cancelled,
            RespondFailure::Stop(Stop::Interrupted) => failed(RunErrorCode::Interrupted),
            RespondFailure::TimedOut => failed(RunErrorCode::ModelTimeout),
            RespondFailure::Responder(ResponderError::Refused {
                message,
                allow_retry,
            }) => {
                let message = replace_nul(message);
                emit_error(turn, "custom", Some(message.clone()), allow_retry);
                let code = RunErrorCode::Refused;
                RunEnd::Failed(RunError { code, message })
            }
            RespondFailure::Responder(ResponderError::Failed {
                allow_retry,
                source,
            }) => {
                report(&*source);
                emit_error(turn, "stream.error", None, allow_retry);
                failed(RunErrorCode::Internal)
            }
            RespondFailure::Responder(ResponderError::Turn(error)) => match error {
                TurnError::Lost => return None,
                TurnError::Deleted if is_deleted(turn).await => RunEnd::Cancelled,
                error => {
                    report(&error);
                    failed(match error {
                        TurnError::Unavailable(_) => RunErrorCode::Unavailable,
                        _ => RunErrorCode::Internal,
                    })
                }
            },
        };
        let mut answered = self.ended(end);
        answered.finish.note = (answered.finish.end == RunEnd::Cancelled).then(|| Note {
            id: self.core.clock.id(),
            text: STOPPED_NOTE.to_owned(),
        });
        Some(answered)
    }

    /// Returns the end of a run that stores no further answer.
    fn ended(&self, end: RunEnd) -> Answered {
        Answered {
            finish: FinishRun::new(end, self.core.clock.now()),
            finish_reason: FinishReason::Stop,
            model_time: Duration::ZERO,
            failure: FailureDetails::default(),
            has_called_tools: false,
        }
    }
}

fn failed(code: RunErrorCode) -> RunEnd {
    RunEnd::Failed(RunError::new(code))
}

/// Whether the conversation was deleted after the run started.
async fn is_deleted(turn: &Turn<'_>) -> bool {
    matches!(turn.conversation().await, Err(TurnError::Deleted))
}

fn emit_error(turn: &Turn<'_>, code: &str, message: Option<String>, allow_retry: bool) {
    turn.emitter().emit_aside_or_log(Aside::Error {
        code: code.to_owned(),
        message,
        allow_retry,
    });
}

fn report(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "the responder could not answer the run");
}
