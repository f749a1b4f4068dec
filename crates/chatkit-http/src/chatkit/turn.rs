//! Turns: what the user says, and its answer as a stream.

use std::time::Duration;

use chatkit_agent::{AgentError, RunOptions, StartInput, StartRun, Started, StartedRun};
use chatkit_domain::{
    Caller, Conversation, ConversationId, Dialect, MAX_MESSAGE_CHARS, MessageDetails, MessageText,
    RepositoryError, RunId, RunTarget, replace_nul_in_json,
};
use chatkit_protocol::{
    InferenceOptions, ItemRef, ThreadStreamEvent, UserMessageContent, UserMessageInput,
};
use poem::Response;
use serde_json::json;

use super::{stream, threads};
use crate::{problem::ApiError, shell, state::ApiState};

/// How long a turn waits for the end of the one that it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Most of what is kept of a message beside its text, in bytes of JSON.
const MAX_DETAILS_BYTES: usize = 64 * 1024;

/// What the client shows when another dialect answers in the thread.
const BUSY: &str = "This conversation is being answered elsewhere. Try again in a moment.";

/// Who asks for a turn, where and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    pub(super) state: &'a ApiState,
    pub(super) caller: &'a Caller,
    /// The language of the user's interface (RFC 5646).
    pub(super) locale: Option<&'a str>,
}

impl Turn<'_> {
    pub(super) async fn in_new_thread(self, input: UserMessageInput) -> Result<Response, ApiError> {
        let Self { state, caller, .. } = self;
        let target = RunTarget::New {
            id: state.clock().id(),
            earlier: Vec::new(),
        };
        let start = self.start(target, input)?;
        shell::conversation(start.target.conversation_id().uuid());
        let started = begin(state, caller, start).await?;
        let id = started.run.conversation_id;
        let thread = state.repositories().conversations.get(caller, id).await?;
        let unnamed = Conversation {
            title_is_default: true,
            ..thread.clone()
        };
        let opening = vec![
            ThreadStreamEvent::ThreadCreated {
                thread: threads::to_thread(unnamed),
            },
            said(&started),
            stream::options(state),
            ThreadStreamEvent::ThreadUpdated {
                thread: threads::to_thread(thread),
            },
        ];
        Ok(stream::response(state, started, opening))
    }

    pub(super) async fn in_thread(
        self,
        thread: ConversationId,
        input: UserMessageInput,
    ) -> Result<Response, ApiError> {
        let Self { state, caller, .. } = self;
        let before = state
            .repositories()
            .conversations
            .get(caller, thread)
            .await?;
        let start = self.start(RunTarget::Existing(thread), input)?;
        let started = match begin(state, caller, start).await {
            Err(ApiError::RunActive(_)) => return Ok(stream::refusal(BUSY)),
            started => started?,
        };
        let mut opening = vec![said(&started), stream::options(state)];
        if before.title_is_default {
            let named = state
                .repositories()
                .conversations
                .get(caller, thread)
                .await?;
            opening.push(ThreadStreamEvent::ThreadUpdated {
                thread: threads::to_thread(named),
            });
        }
        Ok(stream::response(state, started, opening))
    }

    pub(super) async fn again(self, item: &ItemRef) -> Result<Response, ApiError> {
        let Self { state, caller, .. } = self;
        let thread = threads::id(&item.thread_id)?;
        let start = StartRun {
            target: RunTarget::Existing(thread),
            input: StartInput::Again(threads::item_id(&item.item_id)?),
            dialect: Dialect::ChatKit,
            idempotency: None,
            options: self.options(&InferenceOptions::default())?,
        };
        let started = match begin(state, caller, start).await {
            Err(ApiError::RunActive(_)) => return Ok(stream::refusal(BUSY)),
            started => started.map_err(ApiError::of_message)?,
        };
        let opening = vec![stream::options(state)];
        Ok(stream::response(state, started, opening))
    }

    fn start(self, target: RunTarget, input: UserMessageInput) -> Result<StartRun, ApiError> {
        if !input.attachments.is_empty() {
            return Err(ApiError::NotConfigured);
        }
        let text = MessageText::parse(text_of(&input.content))
            .map_err(|error| ApiError::invalid("params.input.content", error))?;
        let options = self.options(&input.inference_options)?;
        let details = MessageDetails {
            parts: json!(input.content),
            quoted_text: input.quoted_text,
            options: json!(input.inference_options),
        };
        check(&details)?;
        Ok(StartRun {
            target,
            input: StartInput::Say(text, Some(Box::new(details))),
            dialect: Dialect::ChatKit,
            idempotency: None,
            options,
        })
    }

    fn options(self, asked: &InferenceOptions) -> Result<RunOptions, ApiError> {
        let refuse = |name: &str, what: &str| {
            let path = format!("params.input.inference_options.{name}");
            ApiError::invalid(&path, format!("must be {what}"))
        };
        let model = asked.model.as_ref();
        if model.is_some_and(|model| !self.state.options().models.contains(model)) {
            return Err(refuse("model", "one of those that may be chosen"));
        }
        let tool = asked.tool_choice.as_ref().map(|tool| tool.id.clone());
        if tool
            .as_ref()
            .is_some_and(|tool| !self.state.agent().has_tool(tool))
        {
            return Err(refuse("tool_choice", "a tool that there is"));
        }
        let language = |locale| format!("The language of the user's interface is {locale}.");
        Ok(RunOptions {
            model: model.cloned(),
            instructions: self.locale.map(language).unwrap_or_default(),
            tool,
            ..RunOptions::default()
        })
    }
}

fn said(started: &StartedRun) -> ThreadStreamEvent {
    ThreadStreamEvent::ItemDone {
        item: threads::to_message(started.user_message.clone()),
    }
}

/// Begins a turn. A turn of ChatKit's that is under way in the thread is stopped first: a client
/// that stops one and goes on at once may be heard of in the other order.
async fn begin(state: &ApiState, caller: &Caller, start: StartRun) -> Result<StartedRun, ApiError> {
    let agent = state.agent();
    let thread = start.target.conversation_id();
    let started = match agent.start(caller, start.clone()).await {
        Err(AgentError::Repository(RepositoryError::RunActive { run_id })) => {
            stop(state, caller, thread, run_id).await?;
            agent.start(caller, start).await
        }
        started => started,
    };
    match started? {
        Started::New(started) => {
            shell::note_run(started.run.id);
            Ok(*started)
        }
        Started::Known(run) => Err(ApiError::RunActive(run.id)),
    }
}

/// Stops a run of ChatKit's and waits for its end; any other is in the way.
async fn stop(
    state: &ApiState,
    caller: &Caller,
    thread: ConversationId,
    run: RunId,
) -> Result<(), ApiError> {
    let active = state.repositories().runs.get(caller, thread, run).await?;
    if active.dialect != Dialect::ChatKit {
        return Err(ApiError::RunActive(run));
    }
    let stopped = state.agent().cancel(caller, thread, run).await?;
    let end = state.agent().wait_for(caller, &stopped);
    match tokio::time::timeout(STOP_TIMEOUT, end).await {
        Ok(ended) => ended.map(|_| ()).map_err(ApiError::from),
        Err(_) => Err(ApiError::RunActive(run)),
    }
}

/// What is kept of a message beside its text is read with every history: it has bounds, too.
fn check(details: &MessageDetails) -> Result<(), ApiError> {
    let kept = json!([details.parts, details.quoted_text]);
    if kept.to_string().len() > MAX_DETAILS_BYTES {
        return Err(ApiError::invalid(
            "params.input",
            "must be smaller than 64 KiB",
        ));
    }
    let quoted = details.quoted_text.as_deref().unwrap_or_default();
    if quoted.chars().count() > MAX_MESSAGE_CHARS {
        let message = format!("must have at most {MAX_MESSAGE_CHARS} characters");
        return Err(ApiError::invalid("params.input.quoted_text", message));
    }
    if replace_nul_in_json(kept.clone()) != kept {
        return Err(ApiError::invalid("params.input", "must not contain U+0000"));
    }
    Ok(())
}

/// The parts as one text: words as they are, what is named with an `@`.
fn text_of(parts: &[UserMessageContent]) -> String {
    let texts = parts.iter().map(|part| match part {
        UserMessageContent::InputText { text } => text.clone(),
        UserMessageContent::InputTag { text, .. } => format!("@{text}"),
    });
    texts.collect()
}
