//! Stores, emits and logs the end of a run.

use chatkit_domain::{
    AnswerDraft, Caller, FinishRun, FinishedRun, IncompleteReason, RepositoryError, Run, RunEnd,
    RunErrorCode, RunFence,
};

use super::engine::Answered;
use crate::{
    core::AgentCore,
    log::journal::EnteredRun,
    metrics,
    retry::retry_while_unavailable,
    started::EndedRun,
    turn::{Turn, emitter::Emitter},
};

/// Stores and emits the end of a run. Returns `None` if the run was lost.
pub(super) async fn end_run(
    core: &AgentCore,
    turn: &Turn<'_>,
    entered: &EnteredRun,
    answered: Answered,
) -> Option<EndedRun> {
    let emitter = turn.emitter();
    let finish = with_partial_answers(answered.finish, turn);
    let emits_answer = emits_answer(&finish, emitter, answered.has_called_tools);
    let finish = entered.with_events(finish, emits_answer);
    let finished = store_end(core, turn.caller(), emitter.fence, finish, entered).await?;
    Some(EndedRun {
        run: finished.run,
        assistant_message: finished.assistant_message,
        finish_reason: answered.finish_reason,
        model_time: answered.model_time,
        failure: answered.failure,
    })
}

/// Adds the answers that the turn started and did not finish.
fn with_partial_answers(finish: FinishRun, turn: &Turn<'_>) -> FinishRun {
    let emitter = turn.emitter();
    let reason = match &finish.end {
        RunEnd::Completed => None,
        RunEnd::Cancelled => Some(IncompleteReason::Cancelled),
        RunEnd::Failed(error) => match error.code {
            RunErrorCode::Interrupted => Some(IncompleteReason::Interrupted),
            // If a responder fails or refuses, its unfinished messages are dropped, as in ChatKit's
            // reference server.
            RunErrorCode::Internal | RunErrorCode::Refused => None,
            _ => Some(IncompleteReason::Failed),
        },
    };
    let partial_answers = emitter.has_written().then(|| {
        let partial = |reason| emitter.partial_answers(reason);
        reason.map_or_else(Vec::new, partial)
    });
    let has_no_answer = finish.end == RunEnd::Completed && finish.answer.is_none();
    let needs_answer =
        turn.run().dialect.waits_for_message() && has_no_answer && !emitter.has_answered();
    FinishRun {
        answer: finish
            .answer
            .or_else(|| needs_answer.then(AnswerDraft::default)),
        partial_answers,
        ..finish
    }
}

/// Whether the closing events contain the answer. They do not if it was stored and emitted before,
/// and the end adds no tool calls to it. After an interruption they always do, because followers may
/// have missed what was not stored.
fn emits_answer(finish: &FinishRun, emitter: &Emitter<'_>, has_called_tools: bool) -> bool {
    let has_partial_answers = finish
        .partial_answers
        .as_ref()
        .is_some_and(|partial| !partial.is_empty());
    let is_known = finish.answer.is_none()
        && !has_partial_answers
        && !has_called_tools
        && !finish.is_interrupted()
        && emitter.has_emitted_answer();
    finish.may_have_answer() && !is_known
}

/// Stores the end of a run. The fence checks the owner and the status but not the time, so a
/// finished answer survives an outage of the database.
async fn store_end(
    core: &AgentCore,
    caller: &Caller,
    fence: RunFence,
    finish: FinishRun,
    entered: &EnteredRun,
) -> Option<FinishedRun> {
    let journal = &core.repositories.journal;
    let mut attempts = 0;
    let finished = retry_while_unavailable(|| {
        attempts += 1;
        journal.finish(fence, finish.clone())
    })
    .await;
    match finished {
        Ok(finished) => {
            entered.emit_end(&finished, finish.last_event);
            report(&finished.run);
            Some(finished)
        }
        // An earlier attempt may have succeeded although its response was lost, or another process
        // has ended the run. The stored run shows which.
        Err(RepositoryError::RunLost) if attempts > 1 => stored_end(core, caller, fence).await,
        Err(RepositoryError::RunLost) => {
            tracing::warn!("another process took the run, so its answer is dropped");
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

async fn stored_end(core: &AgentCore, caller: &Caller, fence: RunFence) -> Option<FinishedRun> {
    let runs = &core.repositories.runs;
    let outcome = runs
        .outcome(caller, fence.conversation_id, fence.run_id)
        .await
        .ok()?;
    report(&outcome.run);
    Some(FinishedRun {
        run: outcome.run,
        assistant_message: outcome.assistant_message,
    })
}

fn report(run: &Run) {
    metrics::run_ended(run);
    let usage = run.usage.unwrap_or_default();
    tracing::info!(
        status = run.status.as_str(),
        error = run.error.as_ref().map(|error| error.code.as_str()),
        tool_calls = run.tool_calls.len(),
        input_tokens = usage.input_tokens,
        output_tokens = usage.output_tokens,
        "run ended"
    );
}
