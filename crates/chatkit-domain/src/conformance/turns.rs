//! Facts about the message that a run answers: a new one, one that is answered again, or the last
//! of an earlier conversation. Facts about the limit of active runs are here too.

use std::time::Duration;

use chatkit_protocol::{InferenceOptions, UserMessageContent};

use crate::{
    AnswerDraft, Caller, ConversationId, EarlierMessage, FinishRun, IncompleteReason, ItemId,
    Limit, ListMessages, MessageDetails, MessageWindow, RepositoryError, Role, RunEnd, RunError,
    RunErrorCode, RunInput, RunTarget, StartRun,
};

use super::fixture::{
    LONG, Store, assert_not_found, clock, complete_turn, completed, fence_of, new_caller,
    new_conversation, owner, start_in, start_new,
};

/// The newest messages' contents, oldest first.
pub(super) async fn contents(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
) -> Vec<String> {
    let list = ListMessages {
        limit: Limit::parse(100).unwrap(),
        window: MessageWindow::Newest,
    };
    let page = store
        .messages
        .list(caller, conversation, &list)
        .await
        .unwrap();
    let conversation = store.conversations.get(caller, conversation).await.unwrap();
    assert_eq!(conversation.message_count, page.messages.len() as u64);
    page.messages
        .into_iter()
        .map(|message| message.content)
        .collect()
}

/// A run that answers a message again.
pub(super) fn answer_again(conversation: ConversationId, message: ItemId) -> StartRun {
    StartRun {
        input: RunInput::Regenerate(message),
        ..start_in(conversation, owner(LONG), clock().now())
    }
}

fn completed_with(text: &str) -> FinishRun {
    FinishRun {
        answer: Some(AnswerDraft::complete(text)),
        ..completed()
    }
}

pub(super) fn failed() -> FinishRun {
    FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::ModelFailed)),
        answer: None,
        ..completed()
    }
}

/// The message stays. Everything after it leaves the history.
pub async fn answering_again_replaces_later_messages(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = complete_turn(store, &caller, id).await;
    complete_turn(store, &caller, id).await;
    let start = answer_again(id, first.run.user_message_id.unwrap());
    let fence = fence_of(&start);
    let started = start_new(store, &caller, start).await;
    assert!(started.is_repeated);
    assert_eq!(Some(started.user_message.id), first.run.user_message_id);
    assert_eq!(contents(store, &caller, id).await, ["a question"]);
    store
        .journal
        .finish(fence, completed_with("better"))
        .await
        .unwrap();
    assert_eq!(contents(store, &caller, id).await, ["a question", "better"]);
}

/// A run that fails, is stopped without an answer, or is interrupted leaves the history unchanged.
pub async fn a_run_without_an_answer_restores_what_it_replaced(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = complete_turn(store, &caller, id).await;
    complete_turn(store, &caller, id).await;
    let before = contents(store, &caller, id).await;
    let message = first.run.user_message_id.unwrap();
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        ..completed()
    };
    // A partial answer never replaces a complete one.
    let interrupted = FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..completed()
    };
    for finish in [failed(), stopped, interrupted] {
        let start = answer_again(id, message);
        let fence = fence_of(&start);
        start_new(store, &caller, start).await;
        let finished = store.journal.finish(fence, finish).await.unwrap();
        assert_eq!(finished.run.assistant_message_id, None);
        let run = store.runs.get(&caller, id, fence.run_id).await;
        assert_eq!(run.unwrap(), finished.run);
        assert_eq!(contents(store, &caller, id).await, before);
    }
    let mut start = answer_again(id, message);
    start.owner.lease = Duration::ZERO;
    start_new(store, &caller, start).await;
    while store
        .journal
        .close_expired_run(clock().now())
        .await
        .unwrap()
        .is_some()
    {}
    assert_eq!(contents(store, &caller, id).await, before);
    complete_turn(store, &caller, id).await;
}

/// An answer, an unknown message, and a message of another conversation are refused.
pub async fn only_a_user_message_is_answered_again(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let other = new_conversation(store, &caller, clock().now()).await.id;
    let answer = complete_turn(store, &caller, id)
        .await
        .assistant_message
        .unwrap();
    let foreign = complete_turn(store, &caller, other)
        .await
        .run
        .user_message_id
        .unwrap();
    let runs = &store.runs;
    let wrong = runs.start(&caller, answer_again(id, answer.id)).await;
    assert!(
        matches!(wrong, Err(RepositoryError::WrongMessage)),
        "{wrong:?}"
    );
    assert_not_found(runs.start(&caller, answer_again(id, foreign)).await);
    assert_not_found(runs.start(&caller, answer_again(id, clock().id())).await);
    complete_turn(store, &caller, id).await;
}

/// The limit covers all conversations of the user, and no other user's.
pub async fn a_user_has_a_bounded_number_of_active_runs(store: &Store) {
    let (caller, other) = (new_caller(), new_caller());
    let mut starts = Vec::new();
    for _ in 0..3 {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        starts.push(StartRun {
            max_runs_per_user: 2,
            ..start_in(id, owner(LONG), clock().now())
        });
    }
    let fence = fence_of(&starts[0]);
    for start in &starts[..2] {
        start_new(store, &caller, start.clone()).await;
    }
    let refused = store.runs.start(&caller, starts[2].clone()).await;
    assert!(
        matches!(refused, Err(RepositoryError::TooManyRuns)),
        "{refused:?}"
    );
    let others = new_conversation(store, &other, clock().now()).await.id;
    start_new(store, &other, start_in(others, owner(LONG), clock().now())).await;
    store.journal.finish(fence, completed()).await.unwrap();
    start_new(store, &caller, starts[2].clone()).await;
}

/// Concurrent starts in several conversations of a user count too.
pub async fn the_limit_of_active_runs_holds_for_concurrent_starts(store: &Store) {
    let caller = new_caller();
    let mut starts = Vec::new();
    for _ in 0..12 {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        starts.push(StartRun {
            max_runs_per_user: 3,
            ..start_in(id, owner(LONG), clock().now())
        });
    }
    let attempts = starts
        .into_iter()
        .map(|start| store.runs.start(&caller, start));
    let results = futures::future::join_all(attempts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
}

/// Earlier messages precede the new one in their order, and the first user message is the title.
pub async fn a_new_conversation_starts_with_its_earlier_messages(store: &Store) {
    let caller = new_caller();
    let earlier = |role, content: &str| EarlierMessage {
        id: clock().id(),
        role,
        content: content.to_owned(),
    };
    let id = clock().id();
    let start = StartRun {
        target: RunTarget::New {
            id,
            earlier: vec![
                earlier(Role::Assistant, "welcome"),
                earlier(Role::User, "hello"),
                earlier(Role::Assistant, "hello to you"),
            ],
        },
        ..start_in(id, owner(LONG), clock().now())
    };
    start_new(store, &caller, start).await;
    assert_eq!(
        contents(store, &caller, id).await,
        ["welcome", "hello", "hello to you", "a question"]
    );
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.title.as_str(), "hello");
}

/// A message that has left the history is not answered again.
pub async fn a_removed_message_is_not_answered_again(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = complete_turn(store, &caller, id).await.run;
    let second = complete_turn(store, &caller, id).await.run;
    let start = answer_again(id, first.user_message_id.unwrap());
    let fence = fence_of(&start);
    start_new(store, &caller, start).await;
    store.journal.finish(fence, completed()).await.unwrap();
    let removed = answer_again(id, second.user_message_id.unwrap());
    assert_not_found(store.runs.start(&caller, removed).await);
}

/// The parts of a user message, its quote and its options are stored with its text.
pub async fn a_user_message_keeps_its_details(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let text = "a question".to_owned();
    let details = MessageDetails::User {
        content: vec![UserMessageContent::InputText { text }],
        quoted_text: Some("a quote".to_owned()),
        inference_options: InferenceOptions::default(),
    };
    let mut start = start_in(id, owner(LONG), clock().now());
    if let RunInput::Message {
        details: stored, ..
    } = &mut start.input
    {
        *stored = Some(Box::new(details.clone()));
    }
    let message = start_new(store, &caller, start).await.user_message;
    assert_eq!(message.details.as_deref(), Some(&details));
    let read = store.messages.get(&caller, id, message.id).await.unwrap();
    assert_eq!(read, message);
}
