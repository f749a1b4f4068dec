//! `/api/chat/conversations/{conversation_id}/runs`.

use chatkit_agent::{RunOptions, StartInput, StartRun, Started};
use chatkit_domain::{Dialect, Id, ItemId, MessageText, RepositoryError, RunId, RunTarget};
use poem::{http::HeaderMap, web::Data};
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi,
    param::{Header, Path},
    types::Example,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    auth::Authenticated,
    document::{Tags, example_id, example_time},
    messages::Message,
    payload::{Json, JsonObject, JsonValue, Nullable, Timestamp, present},
    problem::{ApiError, Resource},
    shell,
    state::ApiState,
    turns::{idempotency, single_key},
};

/// One attempt of the agent to answer.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: Uuid,
    /// The conversation it answers in.
    conversation_id: Uuid,
    /// Where it stands.
    status: RunStatus,
    /// The message it answers.
    user_message_id: Nullable<Uuid>,
    /// The answer: known from the beginning, null when the run ended without one.
    assistant_message_id: Nullable<Uuid>,
    /// The model that answers.
    model: Nullable<String>,
    /// What it cost, once it ended.
    usage: Nullable<Usage>,
    /// Why it failed.
    error: Nullable<RunError>,
    /// The tools it used, in the model's order.
    tool_calls: Vec<ToolCall>,
    /// When it was created.
    created_at: Timestamp,
    /// When the agent took it up.
    started_at: Nullable<Timestamp>,
    /// When it ended.
    ended_at: Nullable<Timestamp>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    Queued,
    Running,
    AwaitingApproval,
    Completed,
    Failed,
    Cancelled,
}

/// What a run cost, in tokens.
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct Usage {
    /// Tokens given to the model, over all its rounds.
    input_tokens: u64,
    /// Tokens the model produced.
    output_tokens: u64,
    /// Both together.
    total_tokens: u64,
    /// Input tokens that the provider's prompt cache supplied; null if the model's server does
    /// not say.
    cached_tokens: Nullable<u64>,
    /// Whether the counts are an estimate (characters / 4) because the model's server sent no valid
    /// counts.
    estimated: bool,
}

/// Why a run failed.
#[derive(Clone, Debug, Serialize, Object)]
pub(crate) struct RunError {
    /// What kind of failure, for programs.
    code: String,
    /// One plain sentence that may be shown to a user.
    message: String,
}

/// One use of a tool.
#[derive(Clone, Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ToolCall {
    /// Its id.
    id: Uuid,
    /// The tool's name.
    pub(crate) tool_name: String,
    /// What the tool was called with; empty when the model sent no JSON object.
    pub(crate) arguments: JsonObject,
    /// What the model sent where it was no JSON object.
    arguments_text: Nullable<String>,
    /// What the tool gave back.
    result: Nullable<JsonValue>,
    /// Where it stands.
    status: ToolCallStatus,
    /// Why it failed.
    error_message: Nullable<String>,
    /// How long the tool took, in milliseconds.
    execution_time_ms: Nullable<u64>,
    /// When the call began.
    timestamp: Timestamp,
    /// The position of the call in the message's content, in characters. Use it to show text and
    /// calls in order. Null for calls that an older version stored.
    content_offset: Nullable<u64>,
}

/// Where a tool call stands; `unknown` when the server stopped while the tool ran.
#[derive(Clone, Copy, Debug, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum ToolCallStatus {
    AwaitingApproval,
    Running,
    Success,
    Error,
    Denied,
    Cancelled,
    Unknown,
}

impl Example for Run {
    fn example() -> Self {
        Self {
            id: example_id(4),
            conversation_id: example_id(1),
            status: RunStatus::Completed,
            user_message_id: Some(example_id(2)).into(),
            assistant_message_id: Some(example_id(3)).into(),
            model: Some("rules".to_owned()).into(),
            usage: Some(Usage {
                input_tokens: 28,
                output_tokens: 10,
                total_tokens: 38,
                cached_tokens: None.into(),
                estimated: true,
            })
            .into(),
            error: None.into(),
            tool_calls: vec![ToolCall::example()],
            created_at: example_time(59),
            started_at: Some(example_time(59)).into(),
            ended_at: Some(example_time(60)).into(),
        }
    }
}

impl Example for ToolCall {
    fn example() -> Self {
        let arguments = json!({"title": "Buy groceries"});
        let result = json!({"task": {
            "number": 1, "title": "Buy groceries", "description": null, "completed": false
        }});
        Self {
            id: example_id(5),
            tool_name: "add_task".to_owned(),
            arguments: JsonObject(arguments.as_object().cloned().unwrap_or_default()),
            arguments_text: None.into(),
            result: Some(JsonValue(result)).into(),
            status: ToolCallStatus::Success,
            error_message: None.into(),
            execution_time_ms: Some(2).into(),
            timestamp: example_time(59),
            content_offset: Some(0).into(),
        }
    }
}

impl From<chatkit_domain::Run> for Run {
    fn from(run: chatkit_domain::Run) -> Self {
        let chatkit_domain::Run {
            id,
            conversation_id,
            dialect: _,
            status,
            user_message_id,
            assistant_message_id,
            model,
            usage,
            error,
            tool_calls,
            created_at,
            started_at,
            ended_at,
        } = run;
        Self {
            id: id.uuid(),
            conversation_id: conversation_id.uuid(),
            status: match status {
                chatkit_domain::RunStatus::Queued => RunStatus::Queued,
                chatkit_domain::RunStatus::Running => RunStatus::Running,
                chatkit_domain::RunStatus::AwaitingApproval => RunStatus::AwaitingApproval,
                chatkit_domain::RunStatus::Completed => RunStatus::Completed,
                chatkit_domain::RunStatus::Failed => RunStatus::Failed,
                chatkit_domain::RunStatus::Cancelled => RunStatus::Cancelled,
            },
            user_message_id: user_message_id.map(Id::uuid).into(),
            assistant_message_id: assistant_message_id.map(Id::uuid).into(),
            model: model.into(),
            usage: usage.map(Usage::from).into(),
            error: error
                .map(|error| RunError {
                    code: error.code.as_str().to_owned(),
                    message: error.message,
                })
                .into(),
            tool_calls: tool_calls.into_iter().map(ToolCall::from).collect(),
            created_at: created_at.into(),
            started_at: started_at.map(Timestamp).into(),
            ended_at: ended_at.map(Timestamp).into(),
        }
    }
}

impl From<chatkit_domain::Usage> for Usage {
    fn from(usage: chatkit_domain::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            cached_tokens: usage.cached_tokens.into(),
            estimated: usage.estimated,
        }
    }
}

impl From<chatkit_domain::ToolCall> for ToolCall {
    fn from(call: chatkit_domain::ToolCall) -> Self {
        let chatkit_domain::ToolCall {
            id,
            run_id: _,
            message_id: _,
            round: _,
            position: _,
            call_id: _,
            tool_name,
            arguments,
            arguments_text,
            raw_arguments: _,
            content_offset,
            provider_data: _,
            result,
            status,
            error_message,
            execution_time_ms,
            created_at,
            completed_at: _,
        } = call;
        use chatkit_domain::ToolCallStatus as Status;
        Self {
            id: id.uuid(),
            tool_name,
            arguments: JsonObject(arguments),
            arguments_text: arguments_text.into(),
            result: result.map(JsonValue).into(),
            status: match status {
                Status::AwaitingApproval => ToolCallStatus::AwaitingApproval,
                Status::Running => ToolCallStatus::Running,
                Status::Success => ToolCallStatus::Success,
                Status::Error => ToolCallStatus::Error,
                Status::Denied => ToolCallStatus::Denied,
                Status::Cancelled => ToolCallStatus::Cancelled,
                Status::Unknown => ToolCallStatus::Unknown,
            },
            error_message: error_message.into(),
            execution_time_ms: execution_time_ms.into(),
            timestamp: created_at.into(),
            content_offset: content_offset.into(),
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum RunResponse {
    /// The run.
    #[oai(status = 200)]
    Found(Json<Run>),
}

/// What a run is to answer: a new message, or one that is there.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct NewRun {
    /// What the user says: 1 to 10,000 characters, not counting white space around it. Either this
    /// or `regenerate`.
    #[oai(
        validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"),
        skip_serializing_if_is_none
    )]
    #[serde(default, deserialize_with = "present")]
    content: Option<String>,
    /// A user's message to answer again.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, deserialize_with = "present")]
    regenerate: Option<Uuid>,
}

impl Example for NewRun {
    fn example() -> Self {
        Self {
            content: Some("Add a task to buy groceries".to_owned()),
            regenerate: None,
        }
    }
}

impl NewRun {
    fn input(self) -> Result<StartInput, ApiError> {
        match (self.content, self.regenerate) {
            (Some(content), None) => MessageText::parse(content)
                .map(|text| StartInput::Say(text, None))
                .map_err(|error| ApiError::invalid("content", error)),
            (None, Some(message)) => Ok(StartInput::Again(ItemId::new(message))),
            _ => Err(ApiError::invalid(
                ".",
                "must have either `content` or `regenerate`",
            )),
        }
    }
}

/// A run that has begun.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct BegunRun {
    /// What it answers.
    user_message: Message,
    /// The run.
    run: Run,
}

impl Example for BegunRun {
    fn example() -> Self {
        Self {
            user_message: Message::user_example(),
            run: Run {
                status: RunStatus::Running,
                usage: None.into(),
                tool_calls: Vec::new(),
                ended_at: None.into(),
                ..Run::example()
            },
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum StartedResponse {
    /// The message is stored and is being answered.
    #[oai(status = 202)]
    Begun(
        Json<BegunRun>,
        /// The path of the run.
        #[oai(header = "Location")]
        String,
        /// `true` when the run had ended before this call, which only repeats its answer.
        #[oai(header = "Idempotency-Replayed")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum CancelledResponse {
    /// The run had ended already.
    #[oai(status = 200)]
    Ended(Json<Run>),
    /// The run is asked to stop, which it usually does within a second; one of a process that died
    /// ends with its lease.
    #[oai(status = 202)]
    Asked(Json<Run>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunsApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Tags::Runs")]
impl RunsApi {
    /// Send a message, or answer one again, without waiting
    ///
    /// The run goes on by itself: it is the `active_run` of the list of messages until it ends.
    /// With an `Idempotency-Key` a repeated call is the same run.
    #[oai(
        path = "/conversations/:conversation_id/runs",
        method = "post",
        operation_id = "startRun"
    )]
    async fn start(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// Stands for this run: 1 to 255 visible ASCII characters, quoted or bare.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
        headers: &HeaderMap,
        body: Json<NewRun>,
    ) -> Result<StartedResponse, ApiError> {
        let id = shell::conversation(conversation_id.0);
        let input = body.0.input()?;
        let asked = match &input {
            StartInput::Say(text, _) => ["content", text.as_str()].map(str::to_owned),
            StartInput::Again(message) => ["regenerate".to_owned(), message.to_string()],
        };
        let idempotency = single_key(headers, idempotency_key.0)?
            .map(|key| idempotency(&key, &["startRun", &id.to_string(), &asked[0], &asked[1]]))
            .transpose()?;
        let is_again = matches!(input, StartInput::Again(_));
        let start = StartRun {
            target: RunTarget::Existing(id),
            input,
            dialect: Dialect::Rest,
            idempotency,
            options: RunOptions::default(),
        };
        let started = state.agent().start(&caller.0, start).await;
        let started = started.map_err(|error| match ApiError::from(error) {
            error if is_again => ApiError::of_message(error),
            error => error,
        })?;
        let (run, user_message) = match started {
            Started::New(started) => (started.run, started.user_message),
            Started::Known(run) => {
                let runs = &state.repositories().runs;
                let outcome = runs.outcome(&caller.0, id, run.id).await?;
                (outcome.run, outcome.user_message)
            }
        };
        shell::note_run(run.id);
        let replayed = (!run.status.is_active()).then(|| "true".to_owned());
        let location = format!("/api/chat/conversations/{id}/runs/{}", run.id);
        let begun = BegunRun {
            user_message: user_message.into(),
            run: run.into(),
        };
        Ok(StartedResponse::Begun(Json(begun), location, replayed))
    }

    /// Stop a run
    ///
    /// What was said so far is kept. It may be answered by another process than this one.
    #[oai(
        path = "/conversations/:conversation_id/runs/:run_id/cancel",
        method = "post",
        operation_id = "cancelRun"
    )]
    async fn cancel(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// The run.
        run_id: Path<Uuid>,
    ) -> Result<CancelledResponse, ApiError> {
        let conversation = shell::conversation(conversation_id.0);
        let run_id = RunId::new(run_id.0);
        shell::note_run(run_id);
        let run = state.agent().cancel(&caller.0, conversation, run_id).await;
        let run = run.map_err(|error| match ApiError::from(error) {
            ApiError::NotFound(_) => ApiError::NotFound(Resource::Run),
            error => error,
        })?;
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
        caller: Authenticated,
        state: Data<&ApiState>,
        /// The conversation.
        conversation_id: Path<Uuid>,
        /// The run.
        run_id: Path<Uuid>,
    ) -> Result<RunResponse, ApiError> {
        let conversation = shell::conversation(conversation_id.0);
        let runs = &state.repositories().runs;
        let run = runs
            .get(&caller.0, conversation, RunId::new(run_id.0))
            .await
            .map_err(|error| match error {
                RepositoryError::NotFound => ApiError::NotFound(Resource::Run),
                error => error.into(),
            })?;
        Ok(RunResponse::Found(Json(run.into())))
    }
}
