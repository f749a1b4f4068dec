//! Facts about runs whose owner became silent.

use std::{sync::Arc, time::Duration};

use crate::{
    Aside, EventBatch, EventsEnd, IncompleteReason, Item, ItemId, MessageEvent, MessageStatus,
    NumberedEvent, RunEvent, RunFence, RunStatus,
};

use super::{
    events::{checkpoint, reasoning, text_batch},
    fixture::{
        LONG, Store, clock, new_caller, new_conversation, owner, start_in, start_new, start_run,
        start_tool_call, tool_call,
    },
    items::{answer, message_texts, store_items},
};

fn part_text(message_id: ItemId, text: &str) -> RunEvent {
    RunEvent::Text {
        item: message_id,
        part: Some(0),
        delta: text.to_owned(),
    }
}

fn progress() -> RunEvent {
    RunEvent::Aside(Aside::Progress {
        text: "busy".to_owned(),
        icon: None,
    })
}

/// The first events of a run.
fn batch_of(fence: RunFence, events: impl IntoIterator<Item = RunEvent>) -> EventBatch {
    let numbered = (1..).zip(events);
    EventBatch {
        run_id: fence.run_id,
        message_id: clock().id(),
        events: numbered
            .map(|(number, event)| Arc::new(NumberedEvent { number, event }))
            .collect(),
    }
}

/// Answers that were started are stored as far as they were emitted, except blank ones. Stored
/// answers stay as they are.
pub async fn an_interrupted_run_leaves_the_answers_that_it_started(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, Duration::ZERO).await;
    let [whole, silent, started, blank, removed]: [ItemId; 5] =
        std::array::from_fn(|_| clock().id());
    let stored = store_items(
        store,
        fence,
        vec![answer(whole, "whole"), answer(silent, "as stored")],
    )
    .await;
    let Item::Message(message) = stored.items[0].clone() else {
        panic!("an answer is a message");
    };
    let events = [
        part_text(whole, "who"),
        RunEvent::Message(MessageEvent::Completed(Box::new(message))),
        part_text(removed, "taken back"),
        RunEvent::Message(MessageEvent::Removed(removed)),
        part_text(silent, "as"),
        part_text(started, "so "),
        part_text(blank, " \n"),
        progress(),
        part_text(started, "far"),
    ];
    let batch = batch_of(fence, events);
    let emitted = batch.events.clone();
    let runs = &store.runs;
    let (ids, batches) = ([fence.run_id], [batch]);
    let owned = store.journal.checkpoint(fence.owner, &ids, &batches);
    owned.await.unwrap();
    let page = runs.events(&caller, id, fence.run_id, 0).await.unwrap();
    assert_eq!(page.events, emitted);
    // The next start closes the run.
    let next = start_in(id, owner(LONG), clock().now());
    start_new(store, &caller, next).await;
    let messages = message_texts(store, &caller, id).await;
    let expected = [
        ("a question", MessageStatus::Completed),
        ("whole", MessageStatus::Completed),
        ("as stored", MessageStatus::Completed),
        ("so far", MessageStatus::Incomplete),
        ("a question", MessageStatus::Completed),
    ];
    assert_eq!(
        messages,
        expected.map(|(text, status)| (text.to_owned(), status))
    );
    let closed = runs.get(&caller, id, fence.run_id).await.unwrap();
    assert_eq!(closed.assistant_message_id, Some(started));
}

/// After its owner became silent, a run leaves the emitted text. Its end has a much greater number.
pub async fn an_interrupted_run_leaves_the_text_that_it_emitted(store: &Store) {
    let caller = new_caller();
    for texts in [["half an ", "answer"].as_slice(), &[" ", "\n"], &[]] {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        let (started, fence) = start_run(store, &caller, id, Duration::ZERO).await;
        let thoughts = [
            reasoning(&started, "h", false),
            reasoning(&started, "m", false),
            reasoning(&started, "well", true),
        ];
        let mut batch = text_batch(fence, 4, texts);
        let thoughts = (1..).zip(thoughts);
        let thoughts = thoughts.map(|(number, event)| Arc::new(NumberedEvent { number, event }));
        batch.events.splice(0..0, thoughts);
        checkpoint(store, fence, &batch).await;
        let next = start_in(id, owner(LONG), clock().now());
        start_new(store, &caller, next).await;
        let run = fence.run_id;
        let page = store.runs.events(&caller, id, run, 0).await.unwrap();
        let EventsEnd {
            outcome,
            last_event: last,
            ..
        } = *page.end.unwrap();
        assert_eq!(outcome.run.status, RunStatus::Failed);
        let has_text = !texts.concat().trim().is_empty();
        let flushed = u64::try_from(3 + texts.len()).unwrap();
        assert_eq!(last, flushed + 1_000_000 + u64::from(has_text));
        let answer = outcome.assistant_message;
        assert_eq!(answer.is_some(), has_text);
        if let Some(message) = answer {
            assert_eq!(message.content, texts.concat());
            assert_eq!(message.status, MessageStatus::Incomplete);
            assert_eq!(
                message.incomplete_reason,
                Some(IncompleteReason::Interrupted)
            );
            assert_eq!(message.reasoning.as_deref(), Some("hm\n\nwell"));
            assert_eq!(outcome.run.assistant_message_id, Some(message.id));
        }
    }
}

/// The end of an interrupted run emits its stored answer, even if the answer was emitted before,
/// because followers at other processes may not have read it.
pub async fn the_end_of_an_interrupted_run_emits_its_answer(store: &Store) {
    let caller = new_caller();
    for (is_emitted, has_tool_call) in [(true, false), (false, true), (true, true)] {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        let (_, fence) = start_run(store, &caller, id, Duration::ZERO).await;
        if has_tool_call {
            start_tool_call(store, fence, &tool_call(0)).await;
        }
        let stored = store_items(store, fence, vec![answer(clock().id(), "whole")]).await;
        let Item::Message(message) = stored.items[0].clone() else {
            panic!("an answer is a message");
        };
        let completed = RunEvent::Message(MessageEvent::Completed(Box::new(message)));
        let events = if is_emitted {
            [completed]
        } else {
            [progress()]
        };
        let batch = batch_of(fence, events);
        checkpoint(store, fence, &batch).await;
        start_run(store, &caller, id, LONG).await;
        let page = store.runs.events(&caller, id, fence.run_id, 0).await;
        let end = page.unwrap().end.unwrap();
        assert_eq!(end.last_event, 1 + 1_000_000 + 1);
    }
}
