//! The ChatKit protocol (`chatkit-protocol`) on the same conversations as REST: a thread is a
//! conversation, an answer is a run. One path, one method; the body says what is asked.

mod stream;
mod texts;
mod threads;
mod turn;
mod workflow;

use chatkit_domain::Caller;
use chatkit_protocol::{Empty, Operation, Request as Asked};
use poem::{Body, IntoResponse, Request, RequestBody, Response, Result, handler, web::Data};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use self::turn::Turn;
use crate::{
    auth::authenticate,
    completions,
    payload::{Json, read_body, read_bytes, read_json},
    problem::ApiError,
    state::ApiState,
};

/// `POST /chatkit`.
#[handler]
pub(crate) async fn handle(
    request: &Request,
    body: Body,
    state: Data<&ApiState>,
) -> Result<Response> {
    let caller = authenticate(request).await?;
    let asked = read_body(request, &mut RequestBody::new(body)).await?;
    Ok(answer(&state, &caller, asked, locale(request)).await?)
}

/// Carries an operation out.
pub(crate) async fn answer(
    state: &ApiState,
    caller: &Caller,
    asked: Asked,
    locale: Option<&str>,
) -> Result<Response, ApiError> {
    let turn = Turn {
        state,
        caller,
        locale,
    };
    match asked.operation {
        Operation::CreateThread(params) => turn.in_new_thread(params.input).await,
        Operation::AddUserMessage(params) => {
            let thread = threads::id(&params.thread_id)?;
            turn.in_thread(thread, params.input).await
        }
        Operation::RetryAfterItem(item) => turn.again(&item).await,
        Operation::GetThread(thread) => json(threads::get(state, caller, &thread).await),
        Operation::ListThreads(list) => json(threads::list(state, caller, &list).await),
        Operation::UpdateThread(update) => json(threads::update(state, caller, &update).await),
        Operation::DeleteThread(thread) => {
            threads::delete(state, caller, &thread).await?;
            json(Ok(Empty {}))
        }
        Operation::ListItems(list) => json(threads::items(state, caller, &list).await),
        Operation::Feedback(feedback) => {
            threads::rate(state, caller, &feedback).await?;
            json(Ok(Empty {}))
        }
        Operation::AddClientToolOutput(_)
        | Operation::AddStructuredInput(_)
        | Operation::CustomAction(_)
        | Operation::SyncCustomAction(_)
        | Operation::CreateAttachment(_)
        | Operation::DeleteAttachment(_)
        | Operation::Transcribe(_) => Err(ApiError::NotConfigured),
    }
}

/// The language of the user's interface: clients send exactly one.
fn locale(request: &Request) -> Option<&str> {
    let locale = request.header("Accept-Language")?.trim();
    let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (locale.len() <= 35 && locale.chars().all(is_tag) && !locale.is_empty()).then_some(locale)
}

fn json<T: Serialize + Send>(answer: Result<T, ApiError>) -> Result<Response, ApiError> {
    answer.map(|answer| Json(answer).into_response())
}

/// `POST /api/v1/chatkit`: ChatKit's protocol, whose requests have a type, or a chat completion.
#[handler]
pub(crate) async fn or_completion(
    request: &Request,
    body: Body,
    state: Data<&ApiState>,
) -> Result<Response> {
    let caller = match authenticate(request).await {
        Ok(caller) => caller,
        Err(error) => return Ok(completions::refuse(error)),
    };
    match read_bytes(request, &mut RequestBody::new(body)).await {
        Ok(bytes) if has_type(&bytes) => {
            let asked = read_json(&bytes)?;
            Ok(answer(&state, &caller, asked, locale(request)).await?)
        }
        bytes => Ok(completions::answer_to(request, &caller, bytes, &state).await),
    }
}

fn has_type(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: Option<IgnoredAny>,
    }
    serde_json::from_slice(body).is_ok_and(|Typed { kind }| kind.is_some())
}
