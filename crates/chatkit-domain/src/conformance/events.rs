//! Facts about the events of runs.

use std::{sync::Arc, time::Duration};

use crate::{
    Caller, ConversationId, EventBatch, EventCursor, EventsEnd, FinishRun, IncompleteReason,
    MessageEvent, MessageStatus, NumberedEvent, RunEvent, RunFence, RunId, RunStatus, StartedRun,
    ToolCallEvent, ToolCallOutcome, ToolCallStatus,
};
use chrono::TimeDelta;
use serde_json::json;
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    LONG, Store, answered, assert_not_found, begin_at, begin_new, begun, clock, created, owner,
    somebody, tool_call,
};

/// Pieces of text as events from this number on.
fn said(fence: RunFence, first: u64, texts: &[&str]) -> EventBatch {
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

async fn keep(store: &Store, fence: RunFence, batch: &EventBatch) {
    let batch = std::slice::from_ref(batch);
    let ids = [fence.run_id];
    let kept = store
        .journal
        .checkpoint(fence.owner, &ids, batch)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
}

/// The numbers and texts that are kept behind an event.
async fn told(store: &Store, caller: &Caller, fence: RunFence, after: u64) -> Vec<(u64, String)> {
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

fn text(number: u64, text: &str) -> (u64, String) {
    (number, text.to_owned())
}

fn reasoning(begun: &StartedRun, text: &str, starts_another: bool) -> RunEvent {
    RunEvent::Reasoning {
        message: begun.run.assistant_message_id.unwrap(),
        item: clock().id(),
        delta: text.to_owned(),
        starts_another,
    }
}

/// They are read again behind any number; one that was stored twice is told once.
pub async fn events_are_told_behind_any_number_and_once(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    keep(store, fence, &said(fence, 1, &["a", "b"])).await;
    // Whether this was stored the owner does not know, and sends it again with more.
    keep(store, fence, &said(fence, 3, &["c", "\"ü\n"])).await;
    keep(store, fence, &said(fence, 3, &["c", "\"ü\n"])).await;
    keep(store, fence, &said(fence, 3, &["c", "\"ü\n", "e"])).await;
    let all = [
        text(1, "a"),
        text(2, "b"),
        text(3, "c"),
        text(4, "\"ü\n"),
        text(5, "e"),
    ];
    for after in 0..=5 {
        let rest = told(store, &caller, fence, after).await;
        assert_eq!(rest, all[usize::try_from(after).unwrap()..]);
    }
    assert_not_found(store.runs.events(&somebody(), id, fence.run_id, 0).await);
}

/// What is told of a run, its message and its calls is what stands in them.
pub async fn events_tell_what_stands_elsewhere(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (begun, fence) = begun(store, &caller, id, LONG).await;
    let (runs, now) = (&store.runs, clock().now());
    let call = tool_call(0);
    let calls = std::slice::from_ref(&call);
    store
        .journal
        .start_tool_calls(fence, calls, now)
        .await
        .unwrap();
    let outcome = ToolCallOutcome {
        id: call.id,
        status: ToolCallStatus::Success,
        result: Some(json!({"a": 1})),
        error_message: None,
        execution_time_ms: 7,
    };
    store
        .journal
        .finish_tool_call(fence, &outcome, now)
        .await
        .unwrap();
    let started = crate::ToolCall::started(call, fence.run_id, now);
    let finished = started.clone().finished(outcome, now);
    let events = [
        RunEvent::Started(Box::new(begun.run.clone())),
        RunEvent::Message(MessageEvent::Created(Box::new(begun.user_message.clone()))),
        reasoning(&begun, "hm", false),
        reasoning(&begun, "well", true),
        RunEvent::ToolCall(ToolCallEvent::Started(Box::new(started))),
        RunEvent::ToolCall(ToolCallEvent::Completed(Box::new(finished))),
    ];
    let numbered = (1..).zip(events);
    let events: Vec<_> = numbered
        .map(|(number, event)| Arc::new(NumberedEvent { number, event }))
        .collect();
    let batch = EventBatch {
        run_id: fence.run_id,
        message_id: begun.run.assistant_message_id.unwrap(),
        events: events.clone(),
    };
    let finish = FinishRun {
        events: Some(batch),
        last_event: 8,
        ..answered()
    };
    let ended = store.journal.finish(fence, finish).await.unwrap();
    let page = runs.events(&caller, id, fence.run_id, 0).await.unwrap();
    assert_eq!(page.events, events);
    let EventsEnd {
        outcome,
        last_event: last,
    } = *page.end.unwrap();
    assert_eq!((outcome.run, last), (ended.run, 8));
    assert_eq!(outcome.assistant_message, ended.assistant_message);
}

/// An owner that lost its run keeps nothing of it, and of its other runs all.
pub async fn who_lost_a_run_tells_nothing_of_it(store: &Store) {
    let caller = somebody();
    let lost = created(store, &caller, clock().now()).await.id;
    let kept = created(store, &caller, clock().now()).await.id;
    let (_, lost) = begun(store, &caller, lost, LONG).await;
    let begin = begin_at(kept, owner(LONG), clock().now());
    let kept = RunFence {
        run_id: begin.id,
        conversation_id: kept,
        owner: begin.owner,
    };
    begin_new(store, &caller, begin).await;
    let batches = [said(lost, 1, &["no"]), said(kept, 1, &["yes"])];
    let runs = [lost.run_id, kept.run_id];
    let owned = store.journal.checkpoint(kept.owner, &runs, &batches);
    assert_eq!(owned.await.unwrap().len(), 1);
    assert_eq!(told(store, &caller, lost, 0).await, []);
    assert_eq!(told(store, &caller, kept, 0).await, [text(1, "yes")]);
}

/// A run whose owner fell silent keeps the text that it told; its end stands far behind that.
pub async fn an_interrupted_run_keeps_what_it_told(store: &Store) {
    let caller = somebody();
    for texts in [["half an ", "answer"].as_slice(), &[" ", "\n"], &[]] {
        let id = created(store, &caller, clock().now()).await.id;
        let (begun, fence) = begun(store, &caller, id, Duration::ZERO).await;
        let thoughts = [
            reasoning(&begun, "h", false),
            reasoning(&begun, "m", false),
            reasoning(&begun, "well", true),
        ];
        let mut batch = said(fence, 4, texts);
        let thoughts = (1..).zip(thoughts);
        let thoughts = thoughts.map(|(number, event)| Arc::new(NumberedEvent { number, event }));
        batch.events.splice(0..0, thoughts);
        keep(store, fence, &batch).await;
        let next = begin_at(id, owner(LONG), clock().now());
        begin_new(store, &caller, next).await;
        let run = fence.run_id;
        let page = store.runs.events(&caller, id, run, 0).await.unwrap();
        let EventsEnd {
            outcome,
            last_event: last,
        } = *page.end.unwrap();
        assert_eq!(outcome.run.status, RunStatus::Failed);
        let has_text = !texts.concat().trim().is_empty();
        let flushed = u64::try_from(3 + texts.len()).unwrap();
        assert_eq!(last, flushed + 1_000_000 + u64::from(has_text));
        let kept = outcome.assistant_message;
        assert_eq!(kept.is_some(), has_text);
        if let Some(message) = kept {
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

/// All runs that are followed are read at once, each behind its own number.
pub async fn news_are_what_stands_behind_each_cursor(store: &Store) {
    let caller = somebody();
    let mut fences = Vec::new();
    for _ in 0..3 {
        let id = created(store, &caller, clock().now()).await.id;
        let (_, fence) = begun(store, &caller, id, LONG).await;
        keep(store, fence, &said(fence, 1, &["a", "b", "c"])).await;
        fences.push(fence);
    }
    store.journal.finish(fences[2], answered()).await.unwrap();
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

/// A run that began so long ago.
async fn begun_before(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
    ago: TimeDelta,
) -> RunFence {
    let now = clock().now() - ago;
    let seconds = u64::try_from(now.timestamp()).unwrap();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    let begin = crate::StartRun {
        id: RunId::new(id),
        ..begin_at(conversation, owner(LONG), now)
    };
    let fence = RunFence {
        run_id: begin.id,
        conversation_id: conversation,
        owner: begin.owner,
    };
    begin_new(store, caller, begin).await;
    keep(store, fence, &said(fence, 1, &["a"])).await;
    fence
}

/// Events go some time after their run has ended, and no sooner; not those of a run that goes on.
pub async fn events_are_swept_behind_the_end(store: &Store) {
    let (caller, now) = (somebody(), clock().now());
    let (day, before) = (TimeDelta::days(1), now - TimeDelta::hours(1));
    let mut fences = Vec::new();
    for _ in 0..3 {
        let id = created(store, &caller, now).await.id;
        fences.push(begun_before(store, &caller, id, day).await);
    }
    let (old, fresh, active) = (fences[0], fences[1], fences[2]);
    for (fence, ago) in [(old, TimeDelta::hours(2)), (fresh, TimeDelta::zero())] {
        let finish = FinishRun {
            now: now - ago,
            ..answered()
        };
        store.journal.finish(fence, finish).await.unwrap();
    }
    store.journal.sweep_events(before).await.unwrap();
    assert_eq!(told(store, &caller, old, 0).await, []);
    for fence in [fresh, active] {
        assert_eq!(told(store, &caller, fence, 0).await, [text(1, "a")]);
    }
}
