//! The ChatKit protocol (`chatkit-protocol`) on the same conversations as REST: a thread is a
//! conversation, a turn is a run. There is one path and one method. The body names the operation.

mod projection;
mod stream;
mod texts;
mod threads;
mod turn;
mod workflow;

use chatkit_domain::Caller;
use chatkit_protocol::{Empty, Operation};
use poem::{IntoResponse, Request, Response, Result};
use serde::Serialize;

use self::turn::TurnRequest;
use crate::{body::read_bytes, json, payload::Json, problem::ApiError, state::ApiState};

/// `POST /chatkit`.
pub(crate) async fn handle(caller: Caller, state: ApiState, request: Request) -> Result<Response> {
    let (request, mut body) = request.split();
    let body = read_bytes(&request, &mut body).await?;
    Ok(answer(&caller, &state, &request, &body).await?)
}

/// Carries out the operation that the body names.
pub(crate) async fn answer(
    caller: &Caller,
    state: &ApiState,
    request: &Request,
    body: &[u8],
) -> Result<Response, ApiError> {
    let turn = TurnRequest {
        state,
        caller,
        locale: locale(request),
    };
    match operation(body)? {
        Operation::CreateThread(params) => turn.in_new_thread(params.input).await,
        Operation::AddUserMessage(params) => {
            let thread = threads::id(&params.thread_id)?;
            turn.in_thread(thread, params.input).await
        }
        Operation::RetryAfterItem(item) => turn.again(&item).await,
        Operation::GetThread(thread) => to_json(threads::get(state, caller, &thread).await),
        Operation::ListThreads(list) => to_json(threads::list(state, caller, &list).await),
        Operation::UpdateThread(update) => to_json(threads::update(state, caller, &update).await),
        Operation::DeleteThread(thread) => {
            threads::delete(state, caller, &thread).await?;
            to_json(Ok(Empty {}))
        }
        Operation::ListItems(list) => to_json(threads::items(state, caller, &list).await),
        Operation::Feedback(feedback) => {
            threads::rate(state, caller, &feedback).await?;
            to_json(Ok(Empty {}))
        }
        Operation::AddClientToolOutput(_) => not_implemented("threads.add_client_tool_output"),
        Operation::AddStructuredInput(_) => not_implemented("threads.add_structured_input"),
        Operation::CustomAction(_) => not_implemented("threads.custom_action"),
        Operation::SyncCustomAction(_) => not_implemented("threads.sync_custom_action"),
        Operation::CreateAttachment(_) => not_implemented("attachments.create"),
        Operation::DeleteAttachment(_) => not_implemented("attachments.delete"),
        Operation::Transcribe(_) => not_implemented("input.transcribe"),
    }
}

fn not_implemented(operation: &'static str) -> Result<Response, ApiError> {
    Err(ApiError::NotImplemented(operation))
}

/// Reads the operation. The metadata beside it is for host applications and not used here.
fn operation(body: &[u8]) -> Result<Operation, ApiError> {
    let mut body = json::parse_object(body)?;
    // An error in `params` has a path only if `type` precedes it.
    if let Some(members) = body.as_object_mut()
        && let Some(kind) = members.shift_remove("type")
    {
        members.shift_insert(0, "type".to_owned(), kind);
    }
    json::read(&body)
}

/// The language of the user's interface. Clients send exactly one.
fn locale(request: &Request) -> Option<&str> {
    let locale = request.header("Accept-Language")?.trim();
    let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (locale.len() <= 35 && locale.chars().all(is_tag) && !locale.is_empty()).then_some(locale)
}

fn to_json<T: Serialize + Send>(answer: Result<T, ApiError>) -> Result<Response, ApiError> {
    answer.map(|answer| Json(answer).into_response())
}
