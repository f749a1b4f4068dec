//! Turns: the user's message, and its answer as a stream.

use std::time::Duration;

use chatkit_agent::{
    AgentError, RunOptions, StartInput, StartRun, Started,
    thread::{new_thread, to_thread},
};
use chatkit_domain::{
    Caller, ConversationId, Dialect, MAX_MESSAGE_CHARS, MessageDetails, MessageText,
    RepositoryError, Role, RunId, RunTarget, replace_nul_in_json,
};
use chatkit_protocol::{
    InferenceOptions, ItemRef, ThreadStreamEvent, UserMessageContent, UserMessageInput,
};
use poem::Response;
use serde_json::json;

use super::{
    stream::{self, ChatKitStream},
    texts, threads,
};
use crate::{middleware::notes, problem::ApiError, state::ApiState};

/// How long a turn waits for the end of the run that it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest size of the parts and the quote of a message, in bytes of JSON.
const MAX_DETAILS_BYTES: usize = 64 * 1024;

/// A request for a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnRequest<'a> {
    pub(super) state: &'a ApiState,
    pub(super) caller: &'a Caller,
    /// The language of the user's interface (RFC 5646).
    pub(super) locale: Option<&'a str>,
}

impl TurnRequest<'_> {
    pub(super) async fn in_new_thread(self, input: UserMessageInput) -> Result<Response, ApiError> {
        let target = RunTarget::New {
            id: self.state.clock().id(),
            earlier: Vec::new(),
        };
        let start = self.start(target, input)?;
        notes::conversation(start.target.conversation_id());
        let answer = self.start_turn(start).await?;
        let created = ThreadStreamEvent::ThreadCreated {
            thread: new_thread(answer.thread(), answer.run().created_at),
        };
        let mut opening = vec![created, answer.user_message(), stream::options(self.state)];
        if self.state.agent().has_automatic_titles() {
            opening.extend(self.renamed(answer.thread()).await);
        }
        Ok(answer.response(&opening))
    }

    pub(super) async fn in_thread(
        self,
        thread: ConversationId,
        input: UserMessageInput,
    ) -> Result<Response, ApiError> {
        let conversations = &self.state.repositories().conversations;
        let before = conversations.get(self.caller, thread).await?;
        let start = self.start(RunTarget::Existing(thread), input)?;
        let answer = match self.start_turn(start).await {
            Err(ApiError::RunActive(_)) => return Ok(stream::refusal(texts::busy(self.locale))),
            answer => answer?,
        };
        let mut opening = vec![answer.user_message(), stream::options(self.state)];
        if before.title_is_default && self.state.agent().has_automatic_titles() {
            opening.extend(self.renamed(thread).await);
        }
        Ok(answer.response(&opening))
    }

    pub(super) async fn again(self, item: &ItemRef) -> Result<Response, ApiError> {
        let Self { state, caller, .. } = self;
        let thread = threads::id(&item.thread_id)?;
        let item = threads::item_id(&item.item_id)?;
        state
            .repositories()
            .conversations
            .get(caller, thread)
            .await?;
        let messages = &state.repositories().messages;
        // Checked before an active run is stopped.
        let message = messages.get(caller, thread, item).await;
        let message = message?;
        if message.role != Role::User {
            return Err(ApiError::WrongMessage);
        }
        let asked = match message.details.as_deref() {
            Some(MessageDetails::User {
                inference_options, ..
            }) => inference_options.clone(),
            _ => InferenceOptions::default(),
        };
        // Choices that are no longer allowed are ignored.
        let options = self
            .options(&asked)
            .or_else(|_| self.options(&InferenceOptions::default()))?;
        let (target, input) = (RunTarget::Existing(thread), StartInput::Regenerate(item));
        let start = StartRun::new(target, input, Dialect::ChatKit).with_options(options);
        let answer = match self.start_turn(start).await {
            Err(ApiError::RunActive(_)) => return Ok(stream::refusal(texts::busy(self.locale))),
            answer => answer?,
        };
        Ok(answer.response(&[stream::options(state)]))
    }

    /// The thread with the title from its first message. Returns `None` if it cannot be read,
    /// because the run has already started.
    async fn renamed(self, thread: ConversationId) -> Option<ThreadStreamEvent> {
        let conversations = &self.state.repositories().conversations;
        let thread = conversations.get(self.caller, thread).await.ok()?;
        let thread = to_thread(&thread);
        Some(ThreadStreamEvent::ThreadUpdated { thread })
    }

    fn start(self, target: RunTarget, input: UserMessageInput) -> Result<StartRun, ApiError> {
        if !input.attachments.is_empty() {
            return Err(ApiError::NotImplemented("attachments"));
        }
        let text = MessageText::parse(text_of(&input.content))
            .map_err(|error| ApiError::invalid("params.input.content", error))?;
        let options = self.options(&input.inference_options)?;
        check(&input)?;
        let details = MessageDetails::User {
            content: input.content,
            quoted_text: input.quoted_text,
            inference_options: input.inference_options,
        };
        let input = StartInput::Message(text, Some(Box::new(details)));
        Ok(StartRun::new(target, input, Dialect::ChatKit).with_options(options))
    }

    fn options(self, asked: &InferenceOptions) -> Result<RunOptions, ApiError> {
        let refuse = |name: &str, what: &str| {
            let path = format!("params.input.inference_options.{name}");
            ApiError::invalid(&path, format!("must be {what}"))
        };
        let model = asked.model.as_ref();
        if model.is_some_and(|model| !self.state.options().models.contains(model)) {
            return Err(refuse("model", "a model that may be chosen"));
        }
        let tool = asked.tool_choice.as_ref().map(|tool| tool.id.clone());
        if tool
            .as_ref()
            .is_some_and(|tool| !self.state.agent().has_tool(tool))
        {
            return Err(refuse("tool_choice", "an existing tool"));
        }
        Ok(RunOptions::new()
            .with_model(model.cloned())
            .with_locale(self.locale.map(str::to_owned))
            .with_tool(tool))
    }

    /// Starts a turn. An active ChatKit run of the thread is stopped first: when a client stops an
    /// answer and sends the next message at once, the message may arrive first.
    async fn start_turn(self, start: StartRun) -> Result<ChatKitStream, ApiError> {
        let agent = self.state.agent();
        let thread = start.target.conversation_id();
        let started = match agent.start(self.caller, start.clone()).await {
            Err(AgentError::Repository(RepositoryError::RunActive { run_id })) => {
                self.stop(thread, run_id).await?;
                agent.start(self.caller, start).await
            }
            started => started,
        };
        match started? {
            Started::New(started) => {
                notes::run(started.run.id);
                Ok(ChatKitStream::new(self.state, *started, self.locale))
            }
            Started::Known(run) => Err(ApiError::RunActive(run.id)),
        }
    }

    /// Stops a ChatKit run and waits for its end. A run of another dialect is an error.
    async fn stop(self, thread: ConversationId, run: RunId) -> Result<(), ApiError> {
        let Self { state, caller, .. } = self;
        let active = state.repositories().runs.get(caller, thread, run).await?;
        if !active.status.is_active() {
            return Ok(());
        }
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
}

/// Checks the parts and the quote of a message, which are stored beside its text.
fn check(input: &UserMessageInput) -> Result<(), ApiError> {
    let stored = json!([input.content, input.quoted_text]);
    if stored.to_string().len() > MAX_DETAILS_BYTES {
        return Err(ApiError::invalid(
            "params.input",
            "must be smaller than 64 KiB",
        ));
    }
    let quoted = input.quoted_text.as_deref().unwrap_or_default();
    if quoted.chars().count() > MAX_MESSAGE_CHARS {
        let message = format!("must have at most {MAX_MESSAGE_CHARS} characters");
        return Err(ApiError::invalid("params.input.quoted_text", message));
    }
    if replace_nul_in_json(stored.clone()) != stored {
        return Err(ApiError::invalid("params.input", "must not contain U+0000"));
    }
    Ok(())
}

/// The parts as one text. A tag has an `@` before its text.
fn text_of(parts: &[UserMessageContent]) -> String {
    let texts = parts.iter().map(|part| match part {
        UserMessageContent::InputText { text } => text.clone(),
        UserMessageContent::InputTag { text, .. } => format!("@{text}"),
    });
    texts.collect()
}
