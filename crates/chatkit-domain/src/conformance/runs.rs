//! Facts about runs.

use std::time::Duration;

use crate::{
    AnswerDraft, FinishRun, IncompleteReason, Limit, ListMessages, MessageStatus, MessageWindow,
    RepositoryError, RunEnd, RunErrorCode, RunFence, RunOwner, RunStatus, ToolCallOutcome,
    ToolCallStatus, Usage,
};
use serde_json::json;

use super::{
    LONG, Store, answered, assert_lost, assert_not_found, begin_at, begun, clock, created, owner,
    somebody, tool_call, turn,
};

/// Its owner hears of it with its leases; one that has ended stays as it is.
pub async fn a_run_is_asked_to_stop(store: &Store) {
    let (caller, other) = (somebody(), somebody());
    let id = created(store, &caller, clock().now()).await.id;
    let elsewhere = created(store, &caller, clock().now()).await.id;
    let (begun, fence) = begun(store, &caller, id, LONG).await;
    let (runs, run_id) = (&store.runs, begun.run.id);
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
    store.journal.finish(fence, answered()).await.unwrap();
    let ended = runs.cancel(&caller, id, run_id).await.unwrap();
    assert_eq!(ended.status, RunStatus::Completed);
}

/// While a run is active a second one is refused, and told which one is in its way.
pub async fn a_conversation_has_one_active_run(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (first, fence) = begun(store, &caller, id, LONG).await;
    let second = begin_at(id, owner(LONG), clock().now());
    match store.runs.start(&caller, second.clone()).await {
        Err(RepositoryError::RunActive { run_id }) => assert_eq!(run_id, first.run.id),
        other => panic!("expected RunActive, got {other:?}"),
    }
    store.journal.finish(fence, answered()).await.unwrap();
    store.runs.start(&caller, second).await.unwrap();
}

/// Of eight that begin in one conversation at once, one does; the others leave nothing.
pub async fn of_many_that_begin_at_once_one_does(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let attempts = (0..8).map(|_| {
        let begin = begin_at(id, owner(LONG), clock().now());
        store.runs.start(&caller, begin)
    });
    let results = futures::future::join_all(attempts).await;
    let (begun, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(begun.len(), 1);
    for refused in refused {
        assert!(
            matches!(refused, Err(RepositoryError::RunActive { .. })),
            "{refused:?}"
        );
    }
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.message_count, 1);
}

/// Turns that follow each other, from several tasks at once, never mix.
pub async fn turns_in_a_row_are_whole(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let one_turn = async || {
        loop {
            let owner = owner(LONG);
            let begin = begin_at(id, owner, clock().now());
            let run_id = begin.id;
            match store.runs.start(&caller, begin).await {
                Ok(_) => {
                    let fence = RunFence {
                        run_id,
                        conversation_id: id,
                        owner,
                    };
                    return store.journal.finish(fence, answered()).await.unwrap();
                }
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

/// When the run cannot be stored, neither is the message.
pub async fn a_run_that_cannot_begin_leaves_nothing(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let run = turn(store, &caller, id).await.run;
    let mut twice = begin_at(id, owner(LONG), clock().now());
    twice.id = run.id;
    let failed = store.runs.start(&caller, twice).await;
    assert!(
        matches!(failed, Err(RepositoryError::Failed(_))),
        "{failed:?}"
    );
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.message_count, 2);
    turn(store, &caller, id).await;
}

/// A run whose lease ran out does not block: it is closed as interrupted.
pub async fn an_expired_run_is_taken_over(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (expired, fence) = begun(store, &caller, id, Duration::ZERO).await;
    let calls = [tool_call(0)];
    let started = store.journal.start_tool_calls(fence, &calls, clock().now());
    started.await.unwrap();
    begun(store, &caller, id, LONG).await;
    let closed = store.runs.get(&caller, id, expired.run.id).await.unwrap();
    assert_eq!(closed.status, RunStatus::Failed);
    assert_eq!(closed.error.unwrap().code, RunErrorCode::Interrupted);
    assert_eq!(closed.assistant_message_id, None);
    assert_eq!(closed.tool_calls[0].status, ToolCallStatus::Unknown);
}

/// After its run was taken, an owner can neither start a tool nor record one nor answer.
pub async fn who_lost_a_run_writes_nothing(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, lost) = begun(store, &caller, id, Duration::ZERO).await;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    let stranger = RunFence {
        owner: owner(LONG),
        ..fence
    };
    let now = clock().now();
    let revision = store.messages.revision(&caller, id).await.unwrap();
    for fence in [lost, stranger] {
        let outcome = ToolCallOutcome {
            id: clock().id(),
            status: ToolCallStatus::Success,
            result: None,
            error_message: None,
            execution_time_ms: 1,
        };
        assert_lost(
            store
                .journal
                .start_tool_calls(fence, &[tool_call(0)], now)
                .await,
        );
        assert_lost(store.journal.finish_tool_call(fence, &outcome, now).await);
        assert_lost(store.journal.finish(fence, answered()).await);
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
    store.journal.finish(fence, answered()).await.unwrap();
    assert_lost(store.journal.finish(fence, answered()).await);
}

/// Extending a lease makes a run safe again.
pub async fn a_lease_is_kept_by_extending_it(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (begun, fence) = begun(store, &caller, id, Duration::ZERO).await;
    let longer = RunOwner {
        lease: LONG,
        ..fence.owner
    };
    let owned = store
        .journal
        .checkpoint(longer, &[begun.run.id], &[])
        .await
        .unwrap();
    assert_eq!(owned.len(), 1);
    assert!(!owned[0].cancel_requested);
    let second = begin_at(id, owner(LONG), clock().now());
    let refused = store.runs.start(&caller, second).await;
    assert!(
        matches!(refused, Err(RepositoryError::RunActive { .. })),
        "{refused:?}"
    );
}

/// The owner of a deleted conversation's run learns of it with its leases, and can still end it.
pub async fn a_deleted_conversations_run_is_asked_to_stop(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (begun, fence) = begun(store, &caller, id, LONG).await;
    let now = clock().now();
    let deleted = store.conversations.delete(&caller, id, now).await.unwrap();
    assert_eq!(deleted, Some(begun.run.id));
    let owned = store
        .journal
        .checkpoint(fence.owner, &[begun.run.id], &[])
        .await
        .unwrap();
    assert!(owned[0].cancel_requested);
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        ..answered()
    };
    let finished = store.journal.finish(fence, stopped).await.unwrap();
    assert_eq!(finished.run.status, RunStatus::Cancelled);
    assert_eq!(finished.run.assistant_message_id, None);
}

/// What tools were called with and gave back is read again with the answer, to the letter.
pub async fn tool_calls_are_kept_with_their_answer(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (begun, fence) = begun(store, &caller, id, LONG).await;
    let mut broken = tool_call(1);
    broken.arguments.clear();
    broken.arguments_text = Some("{ no json".to_owned());
    let calls = [tool_call(0), broken];
    let (runs, now) = (&store.runs, clock().now());
    store
        .journal
        .start_tool_calls(fence, &calls, now)
        .await
        .unwrap();
    let result = json!({"text": "ünï\"code", "list": [1, 2.5, null, true], "deep": {"a": {}}});
    let outcomes = [
        (ToolCallStatus::Success, Some(result.clone()), None),
        (ToolCallStatus::Error, None, Some("no JSON".to_owned())),
    ];
    for (call, (status, result, error_message)) in calls.iter().zip(outcomes) {
        let outcome = ToolCallOutcome {
            id: call.id,
            status,
            result,
            error_message,
            execution_time_ms: 7,
        };
        store
            .journal
            .finish_tool_call(fence, &outcome, now)
            .await
            .unwrap();
    }
    let usage = Usage {
        input_tokens: 11,
        output_tokens: 5,
        cached_tokens: Some(4),
        estimated: false,
    };
    let finish = FinishRun {
        usage: Some(usage),
        ..answered()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    let answer = finished.assistant_message.unwrap();
    assert_eq!(answer.tokens_used, Some(16));
    assert_eq!(answer.tool_calls, finished.run.tool_calls);
    assert_eq!(answer.tool_calls[0].result, Some(result));
    assert_eq!(answer.tool_calls[0].message_id, Some(answer.id));
    assert_eq!(
        answer.tool_calls[1].arguments_text.as_deref(),
        Some("{ no json")
    );
    assert_eq!(
        runs.get(&caller, id, begun.run.id).await.unwrap(),
        finished.run
    );
    let list = ListMessages {
        limit: Limit::parse(1).unwrap(),
        window: MessageWindow::Newest,
    };
    let page = store.messages.list(&caller, id, &list).await.unwrap();
    assert_eq!(page.messages, [answer]);
}

/// A stopped run keeps what was said; its calls that still ran are cancelled.
pub async fn tool_calls_of_a_stopped_run_are_settled(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    let calls = [tool_call(0)];
    let started = store.journal.start_tool_calls(fence, &calls, clock().now());
    started.await.unwrap();
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..answered()
    };
    let finished = store.journal.finish(fence, stopped).await.unwrap();
    let answer = finished.assistant_message.unwrap();
    assert_eq!(answer.status, MessageStatus::Incomplete);
    assert_eq!(answer.tool_calls[0].status, ToolCallStatus::Cancelled);
    assert!(answer.tool_calls[0].completed_at.is_some());
}
