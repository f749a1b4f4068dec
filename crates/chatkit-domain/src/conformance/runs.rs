//! Facts about runs.

use std::time::Duration;

use crate::{
    FinishRun, Limit, ListMessages, MessageText, MessageWindow, RepositoryError, RunEnd,
    RunErrorCode, RunFence, RunInput, RunOwner, RunStatus, StartRun, ToolCallStatus, Usage,
};

use super::{
    events::text_batch,
    fixture::{
        LONG, Store, assert_lost, assert_not_found, clock, complete_turn, completed, fence_of,
        new_caller, new_conversation, outcome, owner, start_in, start_new, start_run,
        start_tool_call, tool_call,
    },
    turns::answer_again,
};

/// The next checkpoint returns the request to stop. Cancelling an ended run changes nothing.
pub async fn cancelling_a_run_asks_its_owner_to_stop(store: &Store) {
    let (caller, other) = (new_caller(), new_caller());
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let elsewhere = new_conversation(store, &caller, clock().now()).await.id;
    let (started, fence) = start_run(store, &caller, id, LONG).await;
    let (runs, run_id) = (&store.runs, started.run.id);
    assert_not_found(runs.cancel(&other, id, run_id).await);
    assert_not_found(runs.cancel(&caller, elsewhere, run_id).await);
    let owned = store
        .journal
        .checkpoint(fence.owner, &[run_id], &[])
        .await
        .unwrap();
    assert!(!owned[0].cancel_requested);
    let asked = runs.cancel(&caller, id, run_id).await.unwrap();
    assert_eq!(asked.status, RunStatus::Running);
    let owned = store
        .journal
        .checkpoint(fence.owner, &[run_id], &[])
        .await
        .unwrap();
    assert!(owned[0].cancel_requested);
    store.journal.finish(fence, completed()).await.unwrap();
    let ended = runs.cancel(&caller, id, run_id).await.unwrap();
    assert_eq!(ended.status, RunStatus::Completed);
}

/// While a run is active, a start fails with the id of that run.
pub async fn a_conversation_has_one_active_run(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (first, fence) = start_run(store, &caller, id, LONG).await;
    let second = start_in(id, owner(LONG), clock().now());
    match store.runs.start(&caller, second.clone()).await {
        Err(RepositoryError::RunActive { run_id }) => assert_eq!(run_id, first.run.id),
        other => panic!("expected RunActive, got {other:?}"),
    }
    store.journal.finish(fence, completed()).await.unwrap();
    store.runs.start(&caller, second).await.unwrap();
}

/// One of eight concurrent starts in a conversation succeeds. The others store nothing.
pub async fn only_one_of_many_concurrent_runs_starts(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let attempts = (0..8).map(|_| {
        let start = start_in(id, owner(LONG), clock().now());
        store.runs.start(&caller, start)
    });
    let results = futures::future::join_all(attempts).await;
    let (started, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(started.len(), 1);
    for refused in refused {
        assert!(
            matches!(refused, Err(RepositoryError::RunActive { .. })),
            "{refused:?}"
        );
    }
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.message_count, 1);
}

/// The messages of a turn are adjacent, even if several clients write.
pub async fn concurrent_turns_do_not_interleave(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let one_turn = async || {
        loop {
            let start = start_in(id, owner(LONG), clock().now());
            let fence = fence_of(&start);
            match store.runs.start(&caller, start).await {
                Ok(_) => return store.journal.finish(fence, completed()).await.unwrap(),
                Err(RepositoryError::RunActive { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    futures::future::join_all((0..4).map(|_| one_turn())).await;
    let list = ListMessages {
        limit: Limit::parse(100).unwrap(),
        window: MessageWindow::Newest,
    };
    let page = store.messages.list(&caller, id, &list).await.unwrap();
    assert_eq!(page.messages.len(), 8);
    for turn in page.messages.chunks(2) {
        assert_eq!(turn[0].run_id, turn[1].run_id);
        assert_eq!(turn[0].sequence_number + 1, turn[1].sequence_number);
    }
}

/// A start with the id of a known run or message fails, and stores neither.
pub async fn a_run_that_fails_to_start_stores_nothing(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let run = complete_turn(store, &caller, id).await.run;
    let mut twice = start_in(id, owner(LONG), clock().now());
    twice.id = run.id;
    let failed = store.runs.start(&caller, twice).await;
    assert!(
        matches!(failed, Err(RepositoryError::Failed(_))),
        "{failed:?}"
    );
    let mut known = start_in(id, owner(LONG), clock().now());
    known.input = RunInput::Message {
        id: run.user_message_id.unwrap(),
        text: MessageText::parse("another".to_owned()).unwrap(),
        details: None,
    };
    let failed = store.runs.start(&caller, known).await;
    assert!(
        matches!(failed, Err(RepositoryError::Failed(_))),
        "{failed:?}"
    );
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.message_count, 2);
    complete_turn(store, &caller, id).await;
}

/// A run whose lease has expired does not block a start. It is closed as interrupted.
pub async fn a_start_closes_an_expired_run(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (expired, fence) = start_run(store, &caller, id, Duration::ZERO).await;
    start_tool_call(store, fence, &tool_call(0)).await;
    start_run(store, &caller, id, LONG).await;
    let closed = store.runs.get(&caller, id, expired.run.id).await.unwrap();
    assert_eq!(closed.status, RunStatus::Failed);
    assert_eq!(closed.error.unwrap().code, RunErrorCode::Interrupted);
    assert_eq!(closed.assistant_message_id, None);
    assert_eq!(closed.tool_calls[0].status, ToolCallStatus::Unknown);
}

/// After another process has taken the run, its owner can record no tool call and no answer.
pub async fn an_owner_that_lost_its_run_writes_nothing(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, lost) = start_run(store, &caller, id, Duration::ZERO).await;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let stranger = RunFence {
        owner: owner(LONG),
        ..fence
    };
    let now = clock().now();
    let revision = store.messages.revision(&caller, id).await.unwrap();
    for fence in [lost, stranger] {
        let outcome = outcome(clock().id(), ToolCallStatus::Success);
        assert_lost(
            store
                .journal
                .start_tool_calls(fence, &[tool_call(0)], now)
                .await,
        );
        assert_lost(store.journal.finish_tool_call(fence, &outcome, now).await);
        assert_lost(store.journal.finish(fence, completed()).await);
        let owned = store
            .journal
            .checkpoint(fence.owner, &[fence.run_id], &[])
            .await
            .unwrap();
        assert_eq!(owned, []);
    }
    assert_eq!(
        store.messages.revision(&caller, id).await.unwrap(),
        revision
    );
    store.journal.finish(fence, completed()).await.unwrap();
    assert_lost(store.journal.finish(fence, completed()).await);
}

/// A run whose lease was extended in time is not closed.
pub async fn a_checkpoint_extends_the_lease(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (started, fence) = start_run(store, &caller, id, Duration::ZERO).await;
    let longer = RunOwner {
        lease: LONG,
        ..fence.owner
    };
    let owned = store
        .journal
        .checkpoint(longer, &[started.run.id], &[])
        .await
        .unwrap();
    assert_eq!(owned.len(), 1);
    assert!(!owned[0].cancel_requested);
    let second = start_in(id, owner(LONG), clock().now());
    let refused = store.runs.start(&caller, second).await;
    assert!(
        matches!(refused, Err(RepositoryError::RunActive { .. })),
        "{refused:?}"
    );
}

/// The next checkpoint returns the request to stop. The owner can still end the run.
pub async fn deleting_a_conversation_asks_its_run_to_stop(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (started, fence) = start_run(store, &caller, id, LONG).await;
    let now = clock().now();
    let deleted = store.conversations.delete(&caller, id, now).await.unwrap();
    assert_eq!(deleted, Some(started.run.id));
    let owned = store
        .journal
        .checkpoint(fence.owner, &[started.run.id], &[])
        .await
        .unwrap();
    assert!(owned[0].cancel_requested);
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        ..completed()
    };
    let finished = store.journal.finish(fence, stopped).await.unwrap();
    assert_eq!(finished.run.status, RunStatus::Cancelled);
    assert_eq!(finished.run.assistant_message_id, None);
}

/// A run stores its usage. Its answer has the model, and the sum of input and output tokens.
pub async fn usage_is_stored_with_the_run(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for cached_tokens in [Some(4), None] {
        let usage = Usage {
            input_tokens: 11,
            output_tokens: 5,
            cached_tokens,
            estimated: cached_tokens.is_none(),
        };
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        let finish = FinishRun {
            usage: Some(usage),
            ..completed()
        };
        let finished = store.journal.finish(fence, finish).await.unwrap();
        let answer = finished.assistant_message.unwrap();
        assert_eq!(answer.tokens_used, Some(16));
        assert_eq!(answer.model.as_deref(), Some("model"));
        let run = store.runs.get(&caller, id, fence.run_id).await.unwrap();
        assert_eq!(run.usage, Some(usage));
    }
}

/// A start closes only the expired run of its own conversation. The others block no start either.
pub async fn expired_runs_do_not_count_toward_the_limit(store: &Store) {
    let caller = new_caller();
    let silent = new_conversation(store, &caller, clock().now()).await.id;
    let other = new_conversation(store, &caller, clock().now()).await.id;
    start_run(store, &caller, silent, Duration::ZERO).await;
    let start = StartRun {
        max_runs_per_user: 1,
        ..start_in(other, owner(LONG), clock().now())
    };
    start_new(store, &caller, start).await;
}

/// A checkpoint extends no lease and stores no events of a run that the owner does not name.
pub async fn a_checkpoint_covers_only_the_named_runs(store: &Store) {
    let caller = new_caller();
    let owner = owner(LONG);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        let start = start_in(id, owner, clock().now());
        runs.push(fence_of(&start));
        start_new(store, &caller, start).await;
    }
    let named = [runs[0].run_id];
    let batches = [text_batch(runs[1], 1, &["a"])];
    let owned = store.journal.checkpoint(owner, &named, &batches).await;
    let owned: Vec<_> = owned.unwrap().iter().map(|run| run.id).collect();
    assert_eq!(owned, named);
    let RunFence {
        run_id,
        conversation_id,
        ..
    } = runs[1];
    let page = store.runs.events(&caller, conversation_id, run_id, 0).await;
    assert_eq!(page.unwrap().events, []);
}

/// The outcome of a run contains its messages, even after they have left the history.
pub async fn the_outcome_of_a_run_outlives_its_messages(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = complete_turn(store, &caller, id).await;
    let second = complete_turn(store, &caller, id).await;
    let again = answer_again(id, first.run.user_message_id.unwrap());
    let active = again.id;
    start_new(store, &caller, again).await;
    let outcome = store.runs.outcome(&caller, id, second.run.id).await;
    let outcome = outcome.unwrap();
    assert_eq!(Some(outcome.user_message.id), second.run.user_message_id);
    assert_eq!(outcome.assistant_message, second.assistant_message);
    let page = store.runs.events(&caller, id, active, 0).await.unwrap();
    assert_eq!(page.end, None);
}
