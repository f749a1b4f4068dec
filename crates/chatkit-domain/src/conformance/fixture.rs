//! The store under test, and what the facts share.

use std::{sync::Arc, time::Duration};

use crate::{
    AnswerDraft, Caller, Clock, Conversation, ConversationId, ConversationRepository, Dialect,
    FinishRun, FinishedRun, Maintenance, MessageRepository, MessageText, NewConversation,
    NewToolCall, Note, Repositories, RepositoryError, RunEnd, RunFence, RunInput, RunJournal,
    RunOwner, RunRepository, RunTarget, StartRun, Started, StartedRun, SystemClock, TaskRepository,
    ToolCallId, ToolCallOutcome, ToolCallStatus, UserId,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, json};

/// The store under test.
#[derive(Clone, Debug)]
pub struct Store {
    /// Stores conversations.
    pub conversations: Arc<dyn ConversationRepository>,
    /// Reads the logs of conversations.
    pub messages: Arc<dyn MessageRepository>,
    /// Starts, stops and reads runs.
    pub runs: Arc<dyn RunRepository>,
    /// Stores what runs write.
    pub journal: Arc<dyn RunJournal>,
    /// Checks, purges and erases.
    pub maintenance: Arc<dyn Maintenance>,
    /// Stores tasks.
    pub tasks: Arc<dyn TaskRepository>,
}

impl Store {
    /// The store that these ports belong to.
    #[must_use]
    pub fn new(repositories: Repositories, tasks: Arc<dyn TaskRepository>) -> Self {
        let Repositories {
            conversations,
            messages,
            runs,
            journal,
            maintenance,
        } = repositories;
        Self {
            conversations,
            messages,
            runs,
            journal,
            maintenance,
            tasks,
        }
    }
}

/// A lease that does not expire during a test.
pub(super) const LONG: Duration = Duration::from_secs(600);

pub(super) fn clock() -> &'static dyn Clock {
    &SystemClock
}

/// A caller without any data.
pub(super) fn new_caller() -> Caller {
    Caller::new(UserId::parse(clock().uuid().to_string()).unwrap())
}

pub(super) fn owner(lease: Duration) -> RunOwner {
    RunOwner {
        id: clock().uuid(),
        lease,
    }
}

pub(super) async fn new_conversation(
    store: &Store,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Conversation {
    let new = NewConversation {
        id: clock().id(),
        title: None,
        now,
    };
    store.conversations.insert(caller, new).await.unwrap()
}

/// A run to start in a conversation, with a new message.
pub(super) fn start_in(
    conversation: ConversationId,
    owner: RunOwner,
    now: DateTime<Utc>,
) -> StartRun {
    StartRun {
        id: clock().id(),
        target: RunTarget::Existing(conversation),
        input: RunInput::Message {
            id: clock().id(),
            text: MessageText::parse("a question".to_owned()).unwrap(),
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 100,
        assistant_message_id: clock().id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "model".to_owned(),
        owner,
        now,
    }
}

/// Starts a run. Panics if the idempotency key returns an existing one.
pub(super) async fn start_new(store: &Store, caller: &Caller, start: StartRun) -> StartedRun {
    match store.runs.start(caller, start).await.unwrap() {
        Started::New(started) => *started,
        Started::Known(run) => panic!("expected a new run, got {run:?}"),
    }
}

/// Starts a run in a conversation. Returns it with the right to write for it.
pub(super) async fn start_run(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
    lease: Duration,
) -> (StartedRun, RunFence) {
    let owner = owner(lease);
    let start = start_in(conversation, owner, clock().now());
    let fence = fence_of(&start);
    (start_new(store, caller, start).await, fence)
}

/// The right to write for a run.
pub(super) fn fence_of(start: &StartRun) -> RunFence {
    RunFence {
        run_id: start.id,
        conversation_id: start.target.conversation_id(),
        owner: start.owner,
    }
}

/// The end of a run with a complete answer.
pub(super) fn completed() -> FinishRun {
    FinishRun {
        answer: Some(AnswerDraft::complete("an answer")),
        last_event: 4,
        ..FinishRun::new(RunEnd::Completed, clock().now())
    }
}

pub(super) fn note(text: &str) -> Note {
    Note {
        id: clock().id(),
        text: text.to_owned(),
    }
}

/// Starts a run and ends it with a complete answer.
pub(super) async fn complete_turn(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
) -> FinishedRun {
    let (_, fence) = start_run(store, caller, conversation, LONG).await;
    store.journal.finish(fence, completed()).await.unwrap()
}

pub(super) fn tool_call(position: u32) -> NewToolCall {
    NewToolCall {
        id: clock().id(),
        round: 0,
        position,
        call_id: format!("call_{position}"),
        tool_name: "tool".to_owned(),
        arguments: Map::from_iter([("a".to_owned(), json!(position))]),
        arguments_text: None,
        raw_arguments: format!("{{ \"a\": {position} }}"),
        content_offset: 3,
        provider_data: Some("{\"call\": 1.0}".to_owned()),
    }
}

/// Records a tool call as running.
pub(super) async fn start_tool_call(store: &Store, fence: RunFence, call: &NewToolCall) {
    let calls = std::slice::from_ref(call);
    let started = store.journal.start_tool_calls(fence, calls, clock().now());
    started.await.unwrap();
}

/// The end of a tool call, without a result.
pub(super) fn outcome(id: ToolCallId, status: ToolCallStatus) -> ToolCallOutcome {
    ToolCallOutcome {
        id,
        status,
        result: None,
        error_message: None,
        execution_time_ms: 7,
    }
}

#[track_caller]
pub(super) fn assert_not_found<T: std::fmt::Debug>(result: Result<T, RepositoryError>) {
    match result {
        Err(RepositoryError::NotFound(_)) => {}
        other => panic!("expected NotFound, got {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_lost<T: std::fmt::Debug>(result: Result<T, RepositoryError>) {
    match result {
        Err(RepositoryError::RunLost) => {}
        other => panic!("expected RunLost, got {other:?}"),
    }
}
