//! Facts about what a run may answer: again, by key, within bounds, after what was said elsewhere.

use std::time::Duration;

use crate::{
    AnswerDraft, Caller, ConversationId, EarlierMessage, FinishRun, Idempotency, IncompleteReason,
    ItemId, Limit, ListMessages, MessageWindow, RepositoryError, Role, RunEnd, RunError,
    RunErrorCode, RunFence, RunInput, RunStatus, RunTarget, StartRun, Started,
};

use super::{
    LONG, Store, answered, assert_not_found, begin_at, begin_new, clock, created, owner, somebody,
    tool_call, turn,
};

/// The newest messages' contents, oldest first.
async fn contents(store: &Store, caller: &Caller, conversation: ConversationId) -> Vec<String> {
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

fn again(conversation: ConversationId, message: ItemId) -> StartRun {
    StartRun {
        input: RunInput::Regenerate(message),
        ..begin_at(conversation, owner(LONG), clock().now())
    }
}

fn fence_of(begin: &StartRun) -> RunFence {
    RunFence {
        run_id: begin.id,
        conversation_id: begin.target.conversation_id(),
        owner: begin.owner,
    }
}

fn saying(text: &str) -> FinishRun {
    FinishRun {
        answer: Some(AnswerDraft::complete(text)),
        ..answered()
    }
}

fn failed() -> FinishRun {
    FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::ModelFailed)),
        answer: None,
        ..answered()
    }
}

/// The message stays, everything behind it makes room for the new answer.
pub async fn answering_again_replaces_what_came_after(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let first = turn(store, &caller, id).await;
    turn(store, &caller, id).await;
    let begin = again(id, first.run.user_message_id.unwrap());
    let fence = fence_of(&begin);
    let begun = begin_new(store, &caller, begin).await;
    assert!(begun.is_repeated);
    assert_eq!(Some(begun.user_message.id), first.run.user_message_id);
    assert_eq!(contents(store, &caller, id).await, ["a question"]);
    store.journal.finish(fence, saying("better")).await.unwrap();
    assert_eq!(contents(store, &caller, id).await, ["a question", "better"]);
}

/// A run that fails, is stopped without a word or dies leaves the history as it was.
pub async fn what_was_replaced_is_put_back_when_the_run_fails(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let first = turn(store, &caller, id).await;
    turn(store, &caller, id).await;
    let before = contents(store, &caller, id).await;
    let message = first.run.user_message_id.unwrap();
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        ..answered()
    };
    // Half of an answer replaces no whole one.
    let interrupted = FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..answered()
    };
    for finish in [failed(), stopped, interrupted] {
        let begin = again(id, message);
        let fence = fence_of(&begin);
        begin_new(store, &caller, begin).await;
        let finished = store.journal.finish(fence, finish).await.unwrap();
        assert_eq!(finished.run.assistant_message_id, None);
        let run = store.runs.get(&caller, id, fence.run_id).await;
        assert_eq!(run.unwrap(), finished.run);
        assert_eq!(contents(store, &caller, id).await, before);
    }
    let mut begin = again(id, message);
    begin.owner.lease = Duration::ZERO;
    begin_new(store, &caller, begin).await;
    while store
        .journal
        .close_expired_run(clock().now())
        .await
        .unwrap()
        .is_some()
    {}
    assert_eq!(contents(store, &caller, id).await, before);
    turn(store, &caller, id).await;
}

/// Not an answer, not what is gone, not another conversation's.
pub async fn only_a_users_message_is_answered_again(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let other = created(store, &caller, clock().now()).await.id;
    let answer = turn(store, &caller, id).await.assistant_message.unwrap();
    let foreign = turn(store, &caller, other)
        .await
        .run
        .user_message_id
        .unwrap();
    let runs = &store.runs;
    let wrong = runs.start(&caller, again(id, answer.id)).await;
    assert!(
        matches!(wrong, Err(RepositoryError::WrongMessage)),
        "{wrong:?}"
    );
    assert_not_found(runs.start(&caller, again(id, foreign)).await);
    assert_not_found(runs.start(&caller, again(id, clock().id())).await);
    turn(store, &caller, id).await;
}

fn keyed(conversation: ConversationId, key: &str, fingerprint: &str) -> StartRun {
    StartRun {
        idempotency: Some(Idempotency {
            key: key.to_owned(),
            fingerprint: fingerprint.to_owned(),
        }),
        ..begin_at(conversation, owner(LONG), clock().now())
    }
}

/// The same key is the same turn: while it is active, after it ended; for its user only.
pub async fn a_key_stands_for_its_run(store: &Store) {
    let (caller, other) = (somebody(), somebody());
    let id = created(store, &caller, clock().now()).await.id;
    let runs = &store.runs;
    let known = async || match runs.start(&caller, keyed(id, "key", "same")).await.unwrap() {
        Started::Known(run) => *run,
        Started::New(begun) => panic!("expected a known run, got {begun:?}"),
    };
    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    let first = begin_new(store, &caller, begin).await;
    assert_eq!(known().await.id, first.run.id);
    store.journal.finish(fence, answered()).await.unwrap();
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
    let others = created(store, &other, clock().now()).await.id;
    begin_new(store, &other, keyed(others, "key", "other")).await;
}

/// A repeated call of a failed turn answers the message that is there, once.
pub async fn a_key_of_a_failed_run_answers_its_message_again(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let runs = &store.runs;
    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    let first = begin_new(store, &caller, begin).await;
    let calls = [tool_call(0)];
    store
        .journal
        .start_tool_calls(fence, &calls, clock().now())
        .await
        .unwrap();
    store.journal.finish(fence, failed()).await.unwrap();

    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    let second = begin_new(store, &caller, begin).await;
    assert!(second.is_repeated);
    assert_eq!(second.user_message.id, first.user_message.id);
    let earlier = runs
        .failed_tool_calls(&caller, id, first.user_message.id)
        .await
        .unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!(earlier[0].call_id, "call_0");
    store.journal.finish(fence, answered()).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "an answer"]
    );
}

/// What the run had said until it was interrupted makes room for the new answer.
pub async fn a_key_of_an_interrupted_run_answers_its_message_again(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    let first = begin_new(store, &caller, begin).await;
    let interrupted = FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..answered()
    };
    store.journal.finish(fence, interrupted).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "half an ans"]
    );
    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    let second = begin_new(store, &caller, begin).await;
    assert_eq!(second.user_message.id, first.user_message.id);
    store.journal.finish(fence, answered()).await.unwrap();
    assert_eq!(
        contents(store, &caller, id).await,
        ["a question", "an answer"]
    );
}

/// Once somebody has gone on, a failed turn stays what it is: answering it again would take what
/// came after out of the history.
pub async fn a_key_of_a_failed_run_that_was_left_behind_stands_for_it(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let begin = keyed(id, "key", "same");
    let fence = fence_of(&begin);
    begin_new(store, &caller, begin).await;
    store.journal.finish(fence, failed()).await.unwrap();
    turn(store, &caller, id).await;
    let repeated = store.runs.start(&caller, keyed(id, "key", "same")).await;
    match repeated.unwrap() {
        Started::Known(run) => assert_eq!(run.status, RunStatus::Failed),
        Started::New(begun) => panic!("expected a known run, got {begun:?}"),
    }
}

/// Over all of the user's conversations, and of no other user's.
pub async fn a_user_has_a_bounded_number_of_active_runs(store: &Store) {
    let (caller, other) = (somebody(), somebody());
    let mut begins = Vec::new();
    for _ in 0..3 {
        let id = created(store, &caller, clock().now()).await.id;
        begins.push(StartRun {
            max_runs_per_user: 2,
            ..begin_at(id, owner(LONG), clock().now())
        });
    }
    let fence = fence_of(&begins[0]);
    for begin in &begins[..2] {
        begin_new(store, &caller, begin.clone()).await;
    }
    let refused = store.runs.start(&caller, begins[2].clone()).await;
    assert!(
        matches!(refused, Err(RepositoryError::TooManyRuns)),
        "{refused:?}"
    );
    let others = created(store, &other, clock().now()).await.id;
    begin_new(store, &other, begin_at(others, owner(LONG), clock().now())).await;
    store.journal.finish(fence, answered()).await.unwrap();
    begin_new(store, &caller, begins[2].clone()).await;
}

/// Sends to conversations of one user at the same moment are counted too.
pub async fn the_bound_holds_when_many_begin_at_once(store: &Store) {
    let caller = somebody();
    let mut begins = Vec::new();
    for _ in 0..12 {
        let id = created(store, &caller, clock().now()).await.id;
        begins.push(StartRun {
            max_runs_per_user: 3,
            ..begin_at(id, owner(LONG), clock().now())
        });
    }
    let begun = begins
        .into_iter()
        .map(|begin| store.runs.start(&caller, begin));
    let begun = futures::future::join_all(begun).await;
    assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 3);
}

/// Earlier messages are stored in order before the new one, in one step.
pub async fn a_conversation_can_begin_with_what_was_said_before(store: &Store) {
    let caller = somebody();
    let earlier = |role, content: &str| EarlierMessage {
        id: clock().id(),
        role,
        content: content.to_owned(),
    };
    let id = clock().id();
    let begin = StartRun {
        target: RunTarget::New {
            id,
            earlier: vec![
                earlier(Role::Assistant, "welcome"),
                earlier(Role::User, "hello"),
                earlier(Role::Assistant, "hello to you"),
            ],
        },
        ..begin_at(id, owner(LONG), clock().now())
    };
    begin_new(store, &caller, begin).await;
    assert_eq!(
        contents(store, &caller, id).await,
        ["welcome", "hello", "hello to you", "a question"]
    );
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.title.as_str(), "hello");
}
