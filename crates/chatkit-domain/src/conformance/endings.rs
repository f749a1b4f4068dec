//! What a run leaves in the history when it ends, beside what it kept before.

use crate::{
    Aside, EventBatch, IncompleteReason, Item, ItemContent, ItemId, ItemWrite, Message,
    MessageEvent, MessageStatus, NumberedEvent, Role, RunErrorCode, RunEvent, StartRun, StoreItems,
};

use std::sync::Arc;

use chatkit_protocol::OutputText;

use super::{
    Store,
    items::{answer, display, keep, keeping, log, messages, task, widget},
    *,
};

fn piece(message_id: ItemId, text: &str) -> RunEvent {
    RunEvent::Text {
        item: message_id,
        part: Some(0),
        delta: text.to_owned(),
    }
}

/// What an interrupted run began to say is kept as far as it was told; what it had kept stays.
pub async fn an_interrupted_run_keeps_the_answers_it_began(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, Duration::ZERO).await;
    let [whole, untold, begun, removed]: [ItemId; 4] = std::array::from_fn(|_| clock().id());
    let kept = keep(
        store,
        fence,
        vec![answer(whole, "whole"), answer(untold, "untold as kept")],
    )
    .await;
    let Item::Message(said) = kept.items[0].clone() else {
        panic!("an answer is a message");
    };
    let events = [
        piece(whole, "who"),
        RunEvent::Message(MessageEvent::Completed(Box::new(said))),
        piece(removed, "taken back"),
        RunEvent::Message(MessageEvent::Removed(removed)),
        piece(untold, "unto"),
        piece(begun, "so "),
        RunEvent::Aside(Aside::Progress {
            text: "busy".to_owned(),
            icon: None,
        }),
        piece(begun, "far"),
    ];
    let events = (1..).zip(events);
    let batch = EventBatch {
        run_id: fence.run_id,
        message_id: clock().id(),
        events: events
            .map(|(number, event)| Arc::new(NumberedEvent { number, event }))
            .collect(),
    };
    let told = batch.events.clone();
    let runs = &store.runs;
    let (ids, batches) = ([fence.run_id], [batch]);
    let owned = store.journal.checkpoint(fence.owner, &ids, &batches);
    owned.await.unwrap();
    let page = runs.events(&caller, id, fence.run_id, 0).await.unwrap();
    assert_eq!(page.events, told);
    // Whoever begins next closes it.
    let next = begin_at(id, owner(LONG), clock().now());
    begin_new(store, &caller, next).await;
    let said: Vec<_> = messages(store, &caller, id).await;
    let expected = [
        ("a question", MessageStatus::Completed),
        ("whole", MessageStatus::Completed),
        ("untold as kept", MessageStatus::Completed),
        ("so far", MessageStatus::Incomplete),
        ("a question", MessageStatus::Completed),
    ];
    assert_eq!(
        said,
        expected.map(|(text, status)| (text.to_owned(), status))
    );
    let closed = runs.get(&caller, id, fence.run_id).await.unwrap();
    assert_eq!(closed.assistant_message_id, Some(begun));
}

/// A turn, and a run that answers its message again.
async fn again(store: &Store, caller: &Caller, lease: Duration) -> (Message, RunFence) {
    let id = created(store, caller, clock().now()).await.id;
    let first = turn(store, caller, id).await;
    let begin = StartRun {
        input: RunInput::Regenerate(first.run.user_message_id.unwrap()),
        ..begin_at(id, owner(lease), clock().now())
    };
    let fence = RunFence {
        run_id: begin.id,
        conversation_id: id,
        owner: begin.owner,
    };
    begin_new(store, caller, begin).await;
    (first.assistant_message.unwrap(), fence)
}

/// A run that says nothing and is completed has answered: what stood there before is not put back.
pub async fn a_run_that_only_shows_something_has_answered(store: &Store) {
    let caller = somebody();
    let (_, fence) = again(store, &caller, LONG).await;
    let widget = display(widget());
    keep(store, fence, vec![widget.clone()]).await;
    let finish = FinishRun {
        answer: None,
        partial_answers: Some(Vec::new()),
        ..answered()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, None);
    let items = log(store, &caller, fence.conversation_id).await;
    assert_eq!(items.iter().map(Item::id).collect::<Vec<_>>(), [widget.id]);
}

/// Where an answer is put back, nothing stands beside it of the run that did not replace it.
pub async fn what_is_put_back_stands_alone(store: &Store) {
    let caller = somebody();
    let failed = || RunEnd::Failed(crate::RunError::new(RunErrorCode::ModelFailed));
    for (end, says) in [
        (Some(failed()), true),
        (Some(RunEnd::Cancelled), false),
        (None, true),
    ] {
        let lease = if end.is_some() { LONG } else { Duration::ZERO };
        let (before, fence) = again(store, &caller, lease).await;
        let mut put = vec![display(widget())];
        put.extend(says.then(|| answer(clock().id(), "another")));
        keep(store, fence, put).await;
        let id = fence.conversation_id;
        match end {
            Some(end) => {
                let finish = FinishRun {
                    end,
                    answer: None,
                    partial_answers: Some(Vec::new()),
                    ..answered()
                };
                let finished = store.journal.finish(fence, finish).await.unwrap();
                assert_eq!(finished.run.assistant_message_id, None);
            }
            // Whoever begins next closes it.
            None => {
                let next = begin_at(id, owner(LONG), clock().now());
                begin_new(store, &caller, next).await;
            }
        }
        let items = log(store, &caller, id).await;
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

/// What was begun is kept with the end of a run that is stopped, unless it is there already, whole
/// or taken back.
pub async fn an_answer_that_was_begun_is_kept_with_the_end(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    let [whole, removed, begun]: [ItemId; 3] = std::array::from_fn(|_| clock().id());
    let other = created(store, &caller, clock().now()).await.id;
    let elsewhere = turn(store, &caller, other).await.assistant_message;
    let elsewhere = elsewhere.unwrap().id;
    let put = vec![answer(whole, "whole"), answer(removed, "taken back")];
    keep(store, fence, put).await;
    let remove = StoreItems {
        remove: vec![removed],
        ..keeping(Vec::new())
    };
    store.journal.store_items(fence, remove).await.unwrap();
    let half = |id| ItemWrite {
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
            half(whole),
            half(removed),
            half(elsewhere),
            half(begun),
        ]),
        ..answered()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, Some(begun));
    let expected = [
        ("a question", MessageStatus::Completed),
        ("whole", MessageStatus::Completed),
        ("so far", MessageStatus::Incomplete),
    ];
    let said = messages(store, &caller, id).await;
    assert_eq!(
        said,
        expected.map(|(text, status)| (text.to_owned(), status))
    );
}

/// A note or a thought is no answer: half of one replaces it.
pub async fn half_an_answer_replaces_what_is_none(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (first, fence) = begun(store, &caller, id, LONG).await;
    keep(store, fence, vec![display(task())]).await;
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: None,
        partial_answers: Some(Vec::new()),
        note: Some(note("it was stopped")),
        ..answered()
    };
    store.journal.finish(fence, stopped.clone()).await.unwrap();
    assert_eq!(log(store, &caller, id).await.len(), 2);
    let again = || StartRun {
        input: RunInput::Regenerate(first.user_message.id),
        ..begin_at(id, owner(LONG), clock().now())
    };
    let fence_of = |begin: &StartRun| RunFence {
        run_id: begin.id,
        conversation_id: id,
        owner: begin.owner,
    };
    // Stopped without a word: everything is as it was, and no note stands behind it.
    let begin = again();
    let fence = fence_of(&begin);
    begin_new(store, &caller, begin).await;
    store.journal.finish(fence, stopped).await.unwrap();
    assert_eq!(log(store, &caller, id).await.len(), 2);
    // Interrupted in the middle of a word.
    let begin = again();
    let fence = fence_of(&begin);
    begin_new(store, &caller, begin).await;
    let interrupted = FinishRun {
        end: RunEnd::Failed(crate::RunError::new(RunErrorCode::Interrupted)),
        answer: Some(AnswerDraft::incomplete("half", IncompleteReason::Cancelled)),
        ..answered()
    };
    let finished = store.journal.finish(fence, interrupted).await.unwrap();
    assert_eq!(finished.assistant_message.unwrap().content, "half");
    assert_eq!(log(store, &caller, id).await.len(), 1);
}
