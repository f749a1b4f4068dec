//! Facts about idempotency keys.

use crate::{
    AnswerDraft, ConversationId, FinishRun, Idempotency, IncompleteReason, RepositoryError, RunEnd,
    RunError, RunErrorCode, RunStatus, StartRun, Started,
};

use super::{
    fixture::{
        LONG, Store, clock, complete_turn, completed, fence_of, new_caller, new_conversation,
        owner, start_in, start_new, start_tool_call, tool_call,
    },
    items::{answer, store_items},
    turns::{answer_again, contents, failed},
};

/// A run to start with this key.
fn keyed(conversation: ConversationId, key: &str, fingerprint: &str) -> StartRun {
    StartRun {
        idempotency: Some(Idempotency {
            key: key.to_owned(),
            fingerprint: fingerprint.to_owned(),
        }),
        ..start_in(conversation, owner(LONG), clock().now())
    }
}

/// A key returns its run while the run is active and after it has ended, for its user only.
pub async fn a_repeated_key_returns_its_run(store: &Store) {
    let (caller, other) = (new_caller(), new_caller());
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let runs = &store.runs;
    let known = async || match runs.start(&caller, keyed(id, "key", "same")).await.unwrap() {
        Started::Known(run) => *run,
        Started::New(started) => panic!("expected a known run, got {started:?}"),
    };
    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    let first = start_new(store, &caller, start).await;
    assert_eq!(known().await.id, first.run.id);
    store.journal.finish(fence, completed()).await.unwrap();
    let again = known().await;
    assert_eq!(
        (again.id, again.status),
        (first.run.id, RunStatus::Completed)
    );
    let outcome = runs.outcome(&caller, id, first.run.id).await.unwrap();
    assert_eq!(outcome.user_message, first.user_message);
    assert_eq!(outcome.assistant_message.unwrap().content, "an answer");
    assert_eq!(contents(store, &caller, id).await.len(), 2);

    let reused = runs.start(&caller, keyed(id, "key", "other")).await;
    assert!(
        matches!(reused, Err(RepositoryError::KeyReused)),
        "{reused:?}"
    );
    let others = new_conversation(store, &other, clock().now()).await.id;
    start_new(store, &other, keyed(others, "key", "other")).await;
}

/// Repeating a failed turn stores no second message.
pub async fn a_key_of_a_failed_run_answers_its_message_again(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let runs = &store.runs;
    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    let first = start_new(store, &caller, start).await;
    start_tool_call(store, fence, &tool_call(0)).await;
    store.journal.finish(fence, failed()).await.unwrap();

    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    let second = start_new(store, &caller, start).await;
    assert!(second.is_repeated);
    assert_eq!(second.user_message.id, first.user_message.id);
    let earlier = runs
        .failed_tool_calls(&caller, id, first.user_message.id)
        .await
        .unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!(earlier[0].call_id, "call_0");
    store.journal.finish(fence, completed()).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "an answer"]
    );
}

/// The partial answer of the interrupted run leaves the history.
pub async fn a_key_of_an_interrupted_run_answers_its_message_again(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    let first = start_new(store, &caller, start).await;
    let interrupted = FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..completed()
    };
    store.journal.finish(fence, interrupted).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "half an ans"]
    );
    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    let second = start_new(store, &caller, start).await;
    assert_eq!(second.user_message.id, first.user_message.id);
    store.journal.finish(fence, completed()).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "an answer"]
    );
}

/// Answering again would remove the later turn from the history.
pub async fn a_key_returns_its_failed_run_after_a_later_turn(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let start = keyed(id, "key", "same");
    let fence = fence_of(&start);
    start_new(store, &caller, start).await;
    store.journal.finish(fence, failed()).await.unwrap();
    complete_turn(store, &caller, id).await;
    let repeated = store.runs.start(&caller, keyed(id, "key", "same")).await;
    match repeated.unwrap() {
        Started::Known(run) => assert_eq!(run.status, RunStatus::Failed),
        Started::New(started) => panic!("expected a known run, got {started:?}"),
    }
}

/// After a failed run was repeated, its key returns the new run.
pub async fn a_key_of_a_repeated_run_returns_the_last_one(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = keyed(id, "key", "same");
    let fence = fence_of(&first);
    start_new(store, &caller, first).await;
    store.journal.finish(fence, failed()).await.unwrap();
    let second = keyed(id, "key", "same");
    let fence = fence_of(&second);
    start_new(store, &caller, second).await;
    store.journal.finish(fence, completed()).await.unwrap();
    let third = store.runs.start(&caller, keyed(id, "key", "same")).await;
    match third.unwrap() {
        Started::Known(run) => assert_eq!(run.id, fence.run_id),
        Started::New(started) => panic!("expected a known run, got {started:?}"),
    }
}

/// An answer that the failed run itself stored is not a later turn, even if it is complete.
pub async fn a_key_of_a_failed_run_ignores_the_answers_of_the_run(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = keyed(id, "key", "same");
    let fence = fence_of(&first);
    start_new(store, &caller, first).await;
    store_items(store, fence, vec![answer(clock().id(), "whole")]).await;
    let finish = FinishRun {
        partial_answers: Some(Vec::new()),
        ..failed()
    };
    store.journal.finish(fence, finish).await.unwrap();
    let second = start_new(store, &caller, keyed(id, "key", "same")).await;
    assert!(second.is_repeated);
}

/// A partial answer of another failed run to the same message is not a later turn.
pub async fn a_key_of_a_failed_run_ignores_partial_answers(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = keyed(id, "key", "same");
    let fence = fence_of(&first);
    let message = start_new(store, &caller, first).await.user_message.id;
    store.journal.finish(fence, failed()).await.unwrap();
    let again = answer_again(id, message);
    let fence = fence_of(&again);
    start_new(store, &caller, again).await;
    let partial = FinishRun {
        answer: Some(AnswerDraft::incomplete("half", IncompleteReason::Failed)),
        ..failed()
    };
    store.journal.finish(fence, partial).await.unwrap();
    let second = start_new(store, &caller, keyed(id, "key", "same")).await;
    assert!(second.is_repeated);
}
