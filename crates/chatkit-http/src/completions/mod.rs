//! OpenAI's chat completions (API reference, "Chat") on the same conversations as REST, so that the
//! official SDKs work with a base URL and a token as key. Not part of the published contract:
//! requests, responses and errors have OpenAI's format.

mod error;
mod projection;
mod request;
mod response;

use chatkit_agent::{Started, StartedRun};
use chatkit_domain::Caller;
use poem::{IntoResponse, Request, Response, Result};
use serde_json::json;

pub(crate) use self::error::ERRORS;
use self::{
    error::Refusal,
    request::{CheckedRequest, CompletionRequest},
    response::Completion,
};
use crate::{
    body::read_bytes, json, middleware::notes, payload::Json, problem::ApiError, state::ApiState,
};

/// The header that names a conversation, in requests and in responses.
const CONVERSATION: &str = "X-Conversation-Id";

/// `POST /v1/chat/completions`.
pub(crate) async fn create(caller: Caller, state: ApiState, request: Request) -> Result<Response> {
    let (request, mut body) = request.split();
    let body = read_bytes(&request, &mut body).await?;
    answer(&caller, &state, &request, &body).await
}

/// `GET /v1/models`.
pub(crate) fn models(state: &ApiState) -> Response {
    let models = state.options().models.iter();
    let models: Vec<_> = models
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "chatkit"}))
        .collect();
    Json(json!({"object": "list", "data": models})).into_response()
}

/// The completion for a body.
pub(crate) async fn answer(
    caller: &Caller,
    state: &ApiState,
    request: &Request,
    body: &[u8],
) -> Result<Response> {
    let asked: CompletionRequest = json::parse(body)?;
    let checked = asked.check(request.header(CONVERSATION), state)?;
    notes::conversation(checked.start.target.conversation_id());
    Ok(complete(state, caller, checked).await?)
}

async fn complete(
    state: &ApiState,
    caller: &Caller,
    checked: CheckedRequest,
) -> Result<Response, Refusal> {
    let conversation = checked.start.target.conversation_id();
    let started = match state.agent().start(caller, checked.start).await {
        Ok(Started::New(started)) => *started,
        Ok(Started::Known(run)) => return Err(ApiError::RunActive(run.id).into()),
        Err(error) => return Err(ApiError::from(error).into()),
    };
    notes::run(started.run.id);
    let response = if checked.stream {
        response::stream(started, checked.stream_usage)
    } else {
        wait(started).await?
    };
    let response = response.with_header(CONVERSATION, conversation.to_string());
    Ok(response.into_response())
}

async fn wait(started: StartedRun) -> Result<Response, Refusal> {
    let run = started.run.clone();
    match started.finished().await {
        Ok(ended) => {
            notes::model_time(ended.model_time);
            Completion::of(ended)
                .map(Completion::into_response)
                .map_err(Refusal::after_storing)
        }
        Err(_) => Err(Refusal::after_storing(ApiError::interrupted(run))),
    }
}
