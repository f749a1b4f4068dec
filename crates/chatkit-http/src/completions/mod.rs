//! OpenAI's chat completions (API reference, "Chat"), on the same conversations as REST, so that
//! the official SDKs work with a base URL and a token as key. Not part of the published contract:
//! requests, answers and errors are OpenAI's.

mod error;
mod request;
mod response;

use bytes::Bytes;
use chatkit_agent::{Started, StartedRun};
use chatkit_domain::Caller;
use poem::{Body, Request, RequestBody, Response, handler, web::Data};
use serde_json::json;

use self::{
    error::{Refusal, kept},
    request::{Completion, CompletionRequest},
    response::Answer,
};
use crate::{
    auth::authenticate,
    payload::{Json, read_bytes, read_json},
    problem::ApiError,
    shell,
    state::ApiState,
};

/// The header that names a conversation, in requests and in answers.
const CONVERSATION: &str = "X-Conversation-Id";

/// `POST /v1/chat/completions`.
#[handler]
pub(crate) async fn create(request: &Request, body: Body, state: Data<&ApiState>) -> Response {
    match authenticate(request).await {
        Ok(caller) => {
            let body = read_bytes(request, &mut RequestBody::new(body)).await;
            answer_to(request, &caller, body, &state).await
        }
        Err(error) => refuse(error),
    }
}

/// The answer to a request with this body.
pub(crate) async fn answer_to(
    request: &Request,
    caller: &Caller,
    body: Result<Bytes, ApiError>,
    state: &ApiState,
) -> Response {
    match complete(request, caller, body, state).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

/// An error in the form that OpenAI's clients know.
pub(crate) fn refuse(error: ApiError) -> Response {
    Refusal::from(error).into_response()
}

/// `GET /v1/models`.
#[handler]
pub(crate) async fn models(request: &Request, state: Data<&ApiState>) -> Response {
    if let Err(error) = authenticate(request).await {
        return Refusal::from(error).into_response();
    }
    let models = state.options().models.iter();
    let models: Vec<_> = models
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "chatkit"}))
        .collect();
    poem::IntoResponse::into_response(Json(json!({"object": "list", "data": models})))
}

async fn complete(
    request: &Request,
    caller: &Caller,
    body: Result<Bytes, ApiError>,
    state: &ApiState,
) -> Result<Response, Refusal> {
    let asked: CompletionRequest = read_json(&body?)?;
    let completion = asked.check(request.header(CONVERSATION), state)?;
    shell::conversation(completion.start.target.conversation_id().uuid());
    answer(state, caller, completion).await
}

async fn answer(
    state: &ApiState,
    caller: &Caller,
    completion: Completion,
) -> Result<Response, Refusal> {
    let conversation = completion.start.target.conversation_id();
    let started = match state.agent().start(caller, completion.start).await {
        Ok(Started::New(started)) => *started,
        Ok(Started::Known(run)) => return Err(ApiError::RunActive(run.id).into()),
        Err(error) => return Err(ApiError::from(error).into()),
    };
    shell::note_run(started.run.id);
    let response = if completion.stream {
        let usage = completion.stream_usage;
        response::stream(started, usage)
    } else {
        wait(started).await?
    };
    Ok(poem::IntoResponse::into_response(
        poem::IntoResponse::with_header(response, CONVERSATION, conversation.to_string()),
    ))
}

async fn wait(started: StartedRun) -> Result<Response, Refusal> {
    let run = started.run.clone();
    match started.finished().await {
        Ok(ended) => {
            shell::note_model_time(ended.model_time);
            Answer::of(ended).map(Answer::into_response).map_err(kept)
        }
        Err(_) => Err(kept(ApiError::interrupted(run))),
    }
}
