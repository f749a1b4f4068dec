//! Turns whose answer the client waits for.

use std::time::Instant;

use chatkit_agent::{FailureDetails, StartRun, Started};
use chatkit_domain::{Caller, Idempotency, Message, Run, RunErrorCode, RunOutcome, RunStatus};
use poem::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::{
    middleware::notes,
    problem::{ApiError, FailedRun},
    state::ApiState,
};

/// A turn with its answer.
pub(crate) struct CompletedTurn {
    pub(crate) user_message: Message,
    pub(crate) assistant_message: Message,
    pub(crate) run: Run,
    /// Whether the run had ended before this request.
    pub(crate) is_replayed: bool,
}

/// Starts a turn and waits for its answer.
pub(crate) async fn take_turn(
    state: &ApiState,
    caller: &Caller,
    start: StartRun,
) -> Result<CompletedTurn, ApiError> {
    match state.agent().start(caller, start).await? {
        Started::New(started) => {
            notes::run(started.run.id);
            let (run, user_message) = (started.run.clone(), started.user_message.clone());
            match started.finished().await {
                Ok(ended) => {
                    notes::model_time(ended.model_time);
                    let answer = answer_of(&ended.run, ended.assistant_message, ended.failure);
                    completed_turn(ended.run, user_message, answer, false)
                }
                Err(_) => Err(ApiError::interrupted(run)),
            }
        }
        Started::Known(run) => {
            notes::run(run.id);
            let is_replayed = !run.status.is_active();
            let started_at = Instant::now();
            let RunOutcome {
                run,
                user_message,
                assistant_message,
            } = state.agent().wait_for(caller, &run).await?;
            // The run belongs to another request, so all of the wait counts as model time.
            notes::model_time(started_at.elapsed());
            let answer = answer_of(&run, assistant_message, FailureDetails::default());
            completed_turn(run, user_message, answer, is_replayed)
        }
    }
}

fn completed_turn(
    run: Run,
    user_message: Message,
    answer: Result<Message, ApiError>,
    is_replayed: bool,
) -> Result<CompletedTurn, ApiError> {
    Ok(CompletedTurn {
        user_message,
        assistant_message: answer?,
        run,
        is_replayed,
    })
}

/// The answer of a run that has ended. It is incomplete if the user stopped the run.
///
/// # Errors
/// The reason why there is no answer.
pub(crate) fn answer_of(
    run: &Run,
    message: Option<Message>,
    details: FailureDetails,
) -> Result<Message, ApiError> {
    match (message, run.status) {
        (Some(message), RunStatus::Completed | RunStatus::Cancelled) => Ok(message),
        (None, RunStatus::Cancelled) => Err(ApiError::RunCancelled(Box::new(run.clone()))),
        _ => {
            let error = run.error.as_ref();
            let code = error.map_or(RunErrorCode::Internal, |error| error.code);
            let run = run.clone();
            Err(ApiError::RunFailed(Box::new(FailedRun {
                run,
                code,
                details,
            })))
        }
    }
}

/// The `Idempotency-Key` header. Two headers, or one that is not text, are an error: the library
/// reads only the first header, and ignores one that is not text.
pub(crate) fn single_key(
    headers: &HeaderMap,
    read: Option<String>,
) -> Result<Option<String>, ApiError> {
    match headers.get_all("Idempotency-Key").iter().count() {
        0 => Ok(None),
        1 if read.is_some() => Ok(read),
        _ => Err(ApiError::invalid("Idempotency-Key", KEY_RULE)),
    }
}

const KEY_RULE: &str = "must be a single key of 1 to 255 visible ASCII characters";

/// The key of a turn (draft-ietf-httpapi-idempotency-key-header-07), with or without quotes, with a
/// fingerprint of the request.
pub(crate) fn idempotency(header: &str, asked: &[&str]) -> Result<Idempotency, ApiError> {
    let key = header
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(header);
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > 255 || !is_visible {
        return Err(ApiError::invalid("Idempotency-Key", KEY_RULE));
    }
    let mut hash = Sha256::new();
    for part in asked {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    Ok(Idempotency {
        key: key.to_owned(),
        fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}
