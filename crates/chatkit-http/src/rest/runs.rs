//! `/api/chat/conversations/{conversation_id}/runs`.

use chatkit_agent::{StartInput, StartRun, Started};
use chatkit_domain::{
    self as domain, ConversationId, Dialect, Idempotency, ItemId, MessageText, RunId, RunTarget,
};
use poem::http::HeaderMap;
use poem_openapi::{ApiResponse, OpenApi, param::Header};

use super::{
    extract::{Call, Path},
    schema::{
        run::Run,
        turn::{BegunRun, NewRun},
    },
};
use crate::{
    contract::tags::Tags,
    middleware::notes,
    payload::Json,
    problem::{ApiError, StartError},
    turns::{idempotency, single_key},
};

#[derive(ApiResponse)]
pub(crate) enum RunResponse {
    /// The run.
    #[oai(status = 200)]
    Found(Json<Run>),
}

impl NewRun {
    fn input(self) -> Result<StartInput, ApiError> {
        match (self.content, self.regenerate) {
            (Some(content), None) => MessageText::parse(content)
                .map(|text| StartInput::Message(text, None))
                .map_err(|error| ApiError::invalid("content", error)),
            (None, Some(message)) => Ok(StartInput::Regenerate(ItemId::new(message))),
            _ => Err(ApiError::invalid(
                ".",
                "must have either `content` or `regenerate`",
            )),
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum StartedResponse {
    /// The message is stored, and a run has started.
    #[oai(status = 202)]
    Begun(
        Json<BegunRun>,
        /// The path of the run.
        #[oai(header = "Location")]
        String,
        /// `true` if the run had ended before this request.
        #[oai(header = "Idempotency-Replayed")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum CancelledResponse {
    /// The run had already ended.
    #[oai(status = 200)]
    Ended(Json<Run>),
    /// The run was asked to stop. It usually ends within a second. The run of a crashed process ends
    /// when its lease expires.
    #[oai(status = 202)]
    Asked(Json<Run>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Runs")]
impl RunsApi {
    /// Start a run without waiting for the answer
    ///
    /// Sends a message, or answers an existing one again. The run does not depend on this request. It
    /// is the `active_run` of the list of messages until it ends. A repeated request with the same
    /// `Idempotency-Key` is the same run.
    #[oai(
        path = "/conversations/:conversation_id/runs",
        method = "post",
        operation_id = "startRun"
    )]
    async fn start(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// A key of your choice that identifies this run: 1 to 255 visible ASCII characters, with or
        /// without quotes.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
        headers: &HeaderMap,
        body: Json<NewRun>,
    ) -> Result<StartedResponse, StartError> {
        let (agent, id) = (call.state.agent(), conversation_id.0);
        let input = body.0.input()?;
        let key = single_key(headers, idempotency_key.0)?;
        let idempotency = key.map(|key| identify(&key, id, &input)).transpose()?;
        let start = StartRun::new(RunTarget::Existing(id), input, Dialect::Rest)
            .with_idempotency(idempotency);
        let started = agent.start(&call.caller, start).await;
        let started = match started? {
            Started::New(started) => (started.run, started.user_message),
            Started::Known(run) => {
                let runs = &call.state.repositories().runs;
                let outcome = runs.outcome(&call.caller, id, run.id).await?;
                (outcome.run, outcome.user_message)
            }
        };
        Ok(accepted(&call, started))
    }

    /// Stop a run
    ///
    /// The text that the run has produced so far stays stored.
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id/cancel",
        method = "post",
        operation_id = "cancelRun"
    )]
    async fn cancel(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The id of the run.
        run_id: Path<RunId>,
    ) -> Result<CancelledResponse, ApiError> {
        let agent = call.state.agent();
        let run = agent
            .cancel(&call.caller, conversation_id.0, run_id.0)
            .await;
        let run = run?;
        Ok(if run.status.is_active() {
            CancelledResponse::Asked(Json(run.into()))
        } else {
            CancelledResponse::Ended(Json(run.into()))
        })
    }

    /// Get a run
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id",
        method = "get",
        operation_id = "getRun"
    )]
    async fn get(
        &self,
        call: Call<'_>,
        /// The id of the conversation.
        conversation_id: Path<ConversationId>,
        /// The id of the run.
        run_id: Path<RunId>,
    ) -> Result<RunResponse, ApiError> {
        let runs = &call.state.repositories().runs;
        let run = runs.get(&call.caller, conversation_id.0, run_id.0).await;
        let run = run?;
        Ok(RunResponse::Found(Json(run.into())))
    }
}

/// The idempotency key of a run with this input.
fn identify(
    key: &str,
    conversation: ConversationId,
    input: &StartInput,
) -> Result<Idempotency, ApiError> {
    let [kind, value] = match input {
        StartInput::Message(text, _) => ["content", text.as_str()].map(str::to_owned),
        StartInput::Regenerate(message) => ["regenerate".to_owned(), message.to_string()],
    };
    let request = ["startRun", &conversation.to_string(), &kind, &value];
    idempotency(key, &request)
}

fn accepted(call: &Call<'_>, (run, message): (domain::Run, domain::Message)) -> StartedResponse {
    notes::run(run.id);
    let (id, conversation) = (run.id, run.conversation_id);
    let path = format!("/api/chat/conversations/{conversation}/runs/{id}");
    let replayed = (!run.status.is_active()).then(|| "true".to_owned());
    let begun = BegunRun {
        user_message: message.into(),
        run: run.into(),
    };
    StartedResponse::Begun(Json(begun), call.state.public_path(&path), replayed)
}
