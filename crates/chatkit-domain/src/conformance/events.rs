//! Facts about the events of runs.

use std::sync::Arc;

use crate::{
    Caller, ConversationId, EventBatch, EventCursor, EventsEnd, FinishRun, MessageEvent,
    NumberedEvent, RunEvent, RunFence, RunId, StartedRun, ToolCallEvent, ToolCallOutcome,
    ToolCallStatus,
};
use chrono::TimeDelta;
use serde_json::json;
use uuid::{NoContext, Timestamp, Uuid};

use super::fixture::{
    LONG, Store, assert_not_found, clock, completed, fence_of, new_caller, new_conversation,
    outcome, owner, start_in, start_new, start_run, tool_call,
};

/// Pieces of the answer's text as events, numbered from `first`.
pub(super) fn text_batch(fence: RunFence, first: u64, texts: &[&str]) -> EventBatch {
    let message_id = clock().id();
    let events = (first..).zip(texts).map(|(number, text)| NumberedEvent {
        number,
        event: RunEvent::Text {
            item: message_id,
            part: None,
            delta: (*text).to_owned(),
        },
    });
    EventBatch {
        run_id: fence.run_id,
        message_id,
        events: events.map(Arc::new).collect(),
    }
}

pub(super) async fn checkpoint(store: &Store, fence: RunFence, batch: &EventBatch) {
    let batch = std::slice::from_ref(batch);
    let ids = [fence.run_id];
    let owned = store.journal.checkpoint(fence.owner, &ids, batch);
    assert_eq!(owned.await.unwrap().len(), 1);
}

/// The numbers and texts of the stored events after a number.
async fn stored_texts(
    store: &Store,
    caller: &Caller,
    fence: RunFence,
    after: u64,
) -> Vec<(u64, String)> {
    let runs = &store.runs;
    let page = runs.events(caller, fence.conversation_id, fence.run_id, after);
    let events = page.await.unwrap().events.into_iter();
    events
        .map(|event| match event.event.clone() {
            RunEvent::Text { delta, .. } => (event.number, delta),
            other => (event.number, format!("{other:?}")),
        })
        .collect()
}

fn numbered(number: u64, text: &str) -> (u64, String) {
    (number, text.to_owned())
}

pub(super) fn reasoning(started: &StartedRun, text: &str, starts_another: bool) -> RunEvent {
    RunEvent::Reasoning {
        message: started.run.assistant_message_id.unwrap(),
        item: clock().id(),
        delta: text.to_owned(),
        starts_another,
    }
}

/// A reader can start after any number. An event that was stored twice is returned once.
pub async fn stored_events_are_read_once_after_any_number(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    checkpoint(store, fence, &text_batch(fence, 1, &["a", "b"])).await;
    // If an owner does not know whether a batch was stored, it repeats the batch with later events.
    checkpoint(store, fence, &text_batch(fence, 3, &["c", "\"ü\n"])).await;
    checkpoint(store, fence, &text_batch(fence, 3, &["c", "\"ü\n"])).await;
    checkpoint(store, fence, &text_batch(fence, 3, &["c", "\"ü\n", "e"])).await;
    let all = [
        numbered(1, "a"),
        numbered(2, "b"),
        numbered(3, "c"),
        numbered(4, "\"ü\n"),
        numbered(5, "e"),
    ];
    for after in 0..=5 {
        let rest = stored_texts(store, &caller, fence, after).await;
        assert_eq!(rest, all[usize::try_from(after).unwrap()..]);
    }
    assert_not_found(store.runs.events(&new_caller(), id, fence.run_id, 0).await);
}

/// Reading returns the events of the run, its message and its tool calls as they were emitted.
pub async fn events_contain_the_stored_run_message_and_tool_calls(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (started, fence) = start_run(store, &caller, id, LONG).await;
    let (runs, now) = (&store.runs, clock().now());
    let call = tool_call(0);
    let calls = std::slice::from_ref(&call);
    store
        .journal
        .start_tool_calls(fence, calls, now)
        .await
        .unwrap();
    let outcome = ToolCallOutcome {
        result: Some(json!({"a": 1})),
        ..outcome(call.id, ToolCallStatus::Success)
    };
    store
        .journal
        .finish_tool_call(fence, &outcome, now)
        .await
        .unwrap();
    let running = crate::ToolCall::started(call, fence.run_id, now);
    let finished = running.clone().finished(outcome, now);
    let events = [
        RunEvent::Started(Box::new(started.run.clone())),
        RunEvent::Message(MessageEvent::Created(Box::new(
            started.user_message.clone(),
        ))),
        reasoning(&started, "hm", false),
        reasoning(&started, "well", true),
        RunEvent::ToolCall(ToolCallEvent::Started(Box::new(running))),
        RunEvent::ToolCall(ToolCallEvent::Completed(Box::new(finished))),
    ];
    let numbered = (1..).zip(events);
    let events: Vec<_> = numbered
        .map(|(number, event)| Arc::new(NumberedEvent { number, event }))
        .collect();
    let batch = EventBatch {
        run_id: fence.run_id,
        message_id: started.run.assistant_message_id.unwrap(),
        events: events.clone(),
    };
    let finish = FinishRun {
        events: Some(batch),
        last_event: 8,
        ..completed()
    };
    let ended = store.journal.finish(fence, finish).await.unwrap();
    let page = runs.events(&caller, id, fence.run_id, 0).await.unwrap();
    assert_eq!(page.events, events);
    let EventsEnd {
        outcome,
        last_event: last,
        ..
    } = *page.end.unwrap();
    assert_eq!((outcome.run, last), (ended.run, 8));
    assert_eq!(outcome.assistant_message, ended.assistant_message);
}

/// A checkpoint stores the events of the runs that the owner still has.
pub async fn an_owner_that_lost_its_run_stores_no_events_of_it(store: &Store) {
    let caller = new_caller();
    let [lost, owned] = [
        new_conversation(store, &caller, clock().now()).await.id,
        new_conversation(store, &caller, clock().now()).await.id,
    ];
    let (_, lost) = start_run(store, &caller, lost, LONG).await;
    let (_, owned) = start_run(store, &caller, owned, LONG).await;
    let batches = [text_batch(lost, 1, &["no"]), text_batch(owned, 1, &["yes"])];
    let runs = [lost.run_id, owned.run_id];
    let left = store.journal.checkpoint(owned.owner, &runs, &batches);
    assert_eq!(left.await.unwrap().len(), 1);
    assert_eq!(stored_texts(store, &caller, lost, 0).await, []);
    assert_eq!(
        stored_texts(store, &caller, owned, 0).await,
        [numbered(1, "yes")]
    );
}

/// One call reads several runs, each after its own number.
pub async fn news_contain_the_events_after_each_cursor(store: &Store) {
    let caller = new_caller();
    let mut fences = Vec::new();
    for _ in 0..3 {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        checkpoint(store, fence, &text_batch(fence, 1, &["a", "b", "c"])).await;
        fences.push(fence);
    }
    store.journal.finish(fences[2], completed()).await.unwrap();
    let gone = clock().id();
    let cursor = |run_id: RunId, after| EventCursor { run_id, after };
    let cursors = [
        cursor(fences[0].run_id, 1),
        cursor(fences[1].run_id, 3),
        cursor(fences[2].run_id, 2),
        cursor(gone, 0),
    ];
    let news = store.journal.news(&cursors).await.unwrap();
    let of = |run: RunId| {
        let news = news.iter().find(|news| news.run_id == run)?;
        let numbers: Vec<u64> = news.events.iter().map(|event| event.number).collect();
        Some((numbers, news.is_active))
    };
    assert_eq!(of(fences[0].run_id), Some((vec![2, 3], true)));
    assert_eq!(of(fences[1].run_id), Some((vec![], true)));
    assert_eq!(of(fences[2].run_id), Some((vec![3], false)));
    assert_eq!(of(gone), None);
}

/// Starts a run in the past and stores one event of it.
async fn start_earlier(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
    ago: TimeDelta,
) -> RunFence {
    let now = clock().now() - ago;
    let seconds = u64::try_from(now.timestamp()).unwrap();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    let start = crate::StartRun {
        id: RunId::new(id),
        ..start_in(conversation, owner(LONG), now)
    };
    let fence = fence_of(&start);
    start_new(store, caller, start).await;
    checkpoint(store, fence, &text_batch(fence, 1, &["a"])).await;
    fence
}

/// Events of active runs, and of runs that ended later, stay.
pub async fn only_events_of_runs_that_ended_earlier_are_swept(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let (day, before) = (TimeDelta::days(1), now - TimeDelta::hours(1));
    let mut fences = Vec::new();
    for _ in 0..3 {
        let id = new_conversation(store, &caller, now).await.id;
        fences.push(start_earlier(store, &caller, id, day).await);
    }
    let (old, fresh, active) = (fences[0], fences[1], fences[2]);
    for (fence, ago) in [(old, TimeDelta::hours(2)), (fresh, TimeDelta::zero())] {
        let finish = FinishRun {
            now: now - ago,
            ..completed()
        };
        store.journal.finish(fence, finish).await.unwrap();
    }
    store.journal.sweep_events(before).await.unwrap();
    assert_eq!(stored_texts(store, &caller, old, 0).await, []);
    for fence in [fresh, active] {
        assert_eq!(
            stored_texts(store, &caller, fence, 0).await,
            [numbered(1, "a")]
        );
    }
}

/// The number of events per page is bounded. Pages that follow each other contain each event once.
pub async fn pages_of_events_contain_each_event_once(store: &Store) {
    const BATCHES: u64 = 70;
    const EVENTS_PER_BATCH: u64 = 20;
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    for batch in 0..BATCHES {
        let first = batch * EVENTS_PER_BATCH + 1;
        let texts = ["a"; EVENTS_PER_BATCH as usize];
        checkpoint(store, fence, &text_batch(fence, first, &texts)).await;
    }
    store.journal.finish(fence, completed()).await.unwrap();
    let (mut numbers, mut after) = (Vec::new(), 0);
    loop {
        let page = store.runs.events(&caller, id, fence.run_id, after).await;
        let page = page.unwrap();
        numbers.extend(page.events.iter().map(|event| event.number));
        after = page.last;
        assert_ne!(page.end.is_some(), page.has_more);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(
        numbers,
        (1..=BATCHES * EVENTS_PER_BATCH).collect::<Vec<_>>()
    );
}
