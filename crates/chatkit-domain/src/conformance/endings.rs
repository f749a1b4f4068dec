//! Facts about the answers that the end of a run leaves in the history, and about restored items.

use std::time::Duration;

use chatkit_protocol::OutputText;

use crate::{
    AnswerDraft, Caller, FinishRun, IncompleteReason, Item, ItemContent, ItemId, ItemWrite,
    Message, MessageStatus, Role, RunEnd, RunErrorCode, RunFence, RunInput, StartRun, StoreItems,
};

use super::{
    fixture::*,
    items::{
        answer, display, log_after_question, message_texts, store_items, storing, task, widget,
    },
};

/// Completes a turn, and starts a run that answers its message again. Returns the first answer.
async fn answer_again(store: &Store, caller: &Caller, lease: Duration) -> (Message, RunFence) {
    let id = new_conversation(store, caller, clock().now()).await.id;
    let first = complete_turn(store, caller, id).await;
    let start = StartRun {
        input: RunInput::Regenerate(first.run.user_message_id.unwrap()),
        ..start_in(id, owner(lease), clock().now())
    };
    let fence = fence_of(&start);
    start_new(store, caller, start).await;
    (first.assistant_message.unwrap(), fence)
}

/// The replaced answer does not return, even if the new run only shows a widget.
pub async fn a_completed_run_without_an_answer_restores_nothing(store: &Store) {
    let caller = new_caller();
    let (_, fence) = answer_again(store, &caller, LONG).await;
    let widget = display(widget());
    store_items(store, fence, vec![widget.clone()]).await;
    let finish = FinishRun {
        answer: None,
        partial_answers: Some(Vec::new()),
        ..completed()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, None);
    let items = log_after_question(store, &caller, fence.conversation_id).await;
    assert_eq!(items.iter().map(Item::id).collect::<Vec<_>>(), [widget.id]);
}

/// After the end of a run that restored an answer, the history contains no item of the run.
pub async fn restoring_removes_what_the_run_wrote(store: &Store) {
    let caller = new_caller();
    let failed = || RunEnd::Failed(crate::RunError::new(RunErrorCode::ModelFailed));
    for (end, has_answer) in [
        (Some(failed()), true),
        (Some(RunEnd::Cancelled), false),
        (None, true),
    ] {
        let lease = if end.is_some() { LONG } else { Duration::ZERO };
        let (before, fence) = answer_again(store, &caller, lease).await;
        let mut put = vec![display(widget())];
        put.extend(has_answer.then(|| answer(clock().id(), "another")));
        store_items(store, fence, put).await;
        let id = fence.conversation_id;
        match end {
            Some(end) => {
                let finish = FinishRun {
                    end,
                    answer: None,
                    partial_answers: Some(Vec::new()),
                    ..completed()
                };
                let finished = store.journal.finish(fence, finish).await.unwrap();
                assert_eq!(finished.run.assistant_message_id, None);
            }
            // The next start closes the run.
            None => {
                let next = start_in(id, owner(LONG), clock().now());
                start_new(store, &caller, next).await;
            }
        }
        let items = log_after_question(store, &caller, id).await;
        assert_eq!(items[0].id(), before.id);
        assert!(
            items[1..]
                .iter()
                .all(|item| matches!(item, Item::Message(m) if m.role == Role::User))
        );
        let read = store.conversations.get(&caller, id).await.unwrap();
        assert_eq!(read.message_count, 1 + items.len() as u64);
    }
}

/// Stopping a run stores the answers that it started. Answers that were stored or removed before
/// stay as they are.
pub async fn partial_answers_are_stored_with_the_end(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let [whole, removed, started]: [ItemId; 3] = std::array::from_fn(|_| clock().id());
    let other = new_conversation(store, &caller, clock().now()).await.id;
    let elsewhere = complete_turn(store, &caller, other).await.assistant_message;
    let elsewhere = elsewhere.unwrap().id;
    let put = vec![answer(whole, "whole"), answer(removed, "taken back")];
    store_items(store, fence, put).await;
    let remove = StoreItems {
        remove: vec![removed],
        ..storing(Vec::new())
    };
    store.journal.store_items(fence, remove).await.unwrap();
    let partial = |id| ItemWrite {
        id,
        content: ItemContent::Answer {
            parts: vec![OutputText::new("so far")],
            incomplete_reason: Some(IncompleteReason::Cancelled),
        },
    };
    let finish = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        partial_answers: Some(vec![
            partial(whole),
            partial(removed),
            partial(elsewhere),
            partial(started),
        ]),
        ..completed()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, Some(started));
    let expected = [
        ("a question", MessageStatus::Completed),
        ("whole", MessageStatus::Completed),
        ("so far", MessageStatus::Incomplete),
    ];
    let messages = message_texts(store, &caller, id).await;
    assert_eq!(
        messages,
        expected.map(|(text, status)| (text.to_owned(), status))
    );
}

/// Notes and thoughts are not answers, so a partial answer replaces them.
pub async fn a_partial_answer_replaces_items_that_are_no_answer(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (first, fence) = start_run(store, &caller, id, LONG).await;
    store_items(store, fence, vec![display(task())]).await;
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        partial_answers: Some(Vec::new()),
        note: Some(note("it was stopped")),
        ..completed()
    };
    store.journal.finish(fence, stopped.clone()).await.unwrap();
    assert_eq!(log_after_question(store, &caller, id).await.len(), 2);
    let again = || StartRun {
        input: RunInput::Regenerate(first.user_message.id),
        ..start_in(id, owner(LONG), clock().now())
    };
    // Stopping without an answer restores everything, stores no note, and withholds no message.
    let start = again();
    let fence = fence_of(&start);
    start_new(store, &caller, start).await;
    let stopped = FinishRun {
        note: Some(note("it was stopped again")),
        withholds_message: true,
        ..stopped
    };
    store.journal.finish(fence, stopped).await.unwrap();
    let context = store.messages.context(&caller, id, 50).await.unwrap();
    assert_eq!(context.items.len(), 3);
    assert!(matches!(&context.items[0], Item::Message(message) if !message.is_withheld));
    // An interruption in the middle of an answer restores nothing.
    let start = again();
    let fence = fence_of(&start);
    start_new(store, &caller, start).await;
    let interrupted = FinishRun {
        end: RunEnd::Failed(crate::RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete("half", IncompleteReason::Cancelled)),
        ..completed()
    };
    let finished = store.journal.finish(fence, interrupted).await.unwrap();
    assert_eq!(finished.assistant_message.unwrap().content, "half");
    assert_eq!(log_after_question(store, &caller, id).await.len(), 1);
}

/// A partial answer of a run that the user stops replaces the earlier answer.
pub async fn a_stopped_run_with_an_answer_restores_nothing(store: &Store) {
    let caller = new_caller();
    let (_, fence) = answer_again(store, &caller, LONG).await;
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: Some(AnswerDraft::incomplete(
            "so far",
            IncompleteReason::Cancelled,
        )),
        ..completed()
    };
    let finished = store.journal.finish(fence, stopped).await.unwrap();
    let items = log_after_question(store, &caller, fence.conversation_id).await;
    let ids: Vec<_> = items.iter().map(Item::id).collect();
    assert_eq!(ids, [finished.assistant_message.unwrap().id]);
}

/// A failed run restores only the items that it removed itself.
pub async fn restoring_leaves_items_that_earlier_runs_removed(store: &Store) {
    let caller = new_caller();
    let (first, fence) = answer_again(store, &caller, LONG).await;
    let second = store.journal.finish(fence, completed()).await.unwrap();
    let start = StartRun {
        input: RunInput::Regenerate(second.run.user_message_id.unwrap()),
        ..start_in(fence.conversation_id, owner(LONG), clock().now())
    };
    let fence = fence_of(&start);
    start_new(store, &caller, start).await;
    let failed = FinishRun {
        end: RunEnd::Failed(crate::RunError::new(RunErrorCode::ModelFailed)),
        answer: None,
        ..completed()
    };
    store.journal.finish(fence, failed).await.unwrap();
    let items = log_after_question(store, &caller, fence.conversation_id).await;
    let ids: Vec<_> = items.iter().map(Item::id).collect();
    assert_eq!(ids, [second.assistant_message.unwrap().id]);
    assert_ne!(ids, [first.id]);
}

/// The answer of an earlier run is not the answer of a run that stored none.
pub async fn a_run_without_an_answer_has_none(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    complete_turn(store, &caller, id).await;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let finish = FinishRun {
        answer: None,
        partial_answers: Some(Vec::new()),
        ..completed()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, None);
    assert_eq!(finished.assistant_message, None);
}
