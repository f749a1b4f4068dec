//! Turns that are waited for: what every dialect without a stream does.

use chatkit_agent::{FailureDetails, StartRun, Started};
use chatkit_domain::{Caller, Idempotency, Message, Run, RunErrorCode, RunOutcome, RunStatus};
use poem::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::{
    problem::{ApiError, FailedRun},
    shell,
    state::ApiState,
};

/// A turn that has an answer.
pub(crate) struct FinishedTurn {
    pub(crate) user_message: Message,
    pub(crate) assistant_message: Message,
    pub(crate) run: Run,
    /// Whether it had ended before it was asked for.
    pub(crate) replayed: bool,
}

/// Begins a turn and waits for its answer: what every dialect that waits does.
pub(crate) async fn take_turn(
    state: &ApiState,
    caller: &Caller,
    start: StartRun,
) -> Result<FinishedTurn, ApiError> {
    match state.agent().start(caller, start).await? {
        Started::New(started) => {
            shell::note_run(started.run.id);
            let (run, user_message) = (started.run.clone(), started.user_message.clone());
            match started.finished().await {
                Ok(ended) => {
                    shell::note_model_time(ended.model_time);
                    let answer = answer_of(&ended.run, ended.assistant_message, ended.failure);
                    finished_turn(ended.run, user_message, answer, false)
                }
                Err(_) => Err(ApiError::interrupted(run)),
            }
        }
        Started::Known(run) => {
            shell::note_run(run.id);
            let replayed = !run.status.is_active();
            let begun = std::time::Instant::now();
            let RunOutcome {
                run,
                user_message,
                assistant_message,
            } = state.agent().wait_for(caller, &run).await?;
            // Another request's run, whose time is its own.
            shell::note_model_time(begun.elapsed());
            let answer = answer_of(&run, assistant_message, FailureDetails::default());
            finished_turn(run, user_message, answer, replayed)
        }
    }
}

fn finished_turn(
    run: Run,
    user_message: Message,
    answer: Result<Message, ApiError>,
    replayed: bool,
) -> Result<FinishedTurn, ApiError> {
    Ok(FinishedTurn {
        user_message,
        assistant_message: answer?,
        run,
        replayed,
    })
}

/// What a run that ended means to who waited for its answer: the answer, whole or as far as it
/// came before its user stopped it, or why there is none.
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

/// The `Idempotency-Key` header where there is one. One that is doubled or no text is refused: the
/// library takes the first, and passes over what is no text.
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

const KEY_RULE: &str = "must be one of 1 to 255 visible ASCII characters";

/// The key of a turn (draft-ietf-httpapi-idempotency-key-header-07), quoted or bare, with the
/// fingerprint of what is asked.
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
