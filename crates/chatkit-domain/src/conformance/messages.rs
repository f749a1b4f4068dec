//! Facts about messages.

use crate::{
    AnswerDraft, Caller, ConversationId, Feedback, FinishRun, IncompleteReason, Item, ItemId,
    Limit, ListCreated, ListMessages, Message, MessagePage, MessageStatus, MessageWindow, Order,
    RepositoryError, RunEnd, Since, ToolCallStatus,
};
use chrono::TimeDelta;

use super::{
    fixture::{
        LONG, Store, assert_not_found, clock, complete_turn, completed, fence_of, new_caller,
        new_conversation, note, outcome, owner, start_in, start_new, start_run, start_tool_call,
        tool_call,
    },
    turns::answer_again,
};

fn listing(limit: i64, window: MessageWindow) -> ListMessages {
    ListMessages {
        limit: Limit::parse(limit).unwrap(),
        window,
    }
}

/// Sequence numbers and times both increase, even if the clocks of the writers do not.
pub async fn messages_stay_in_order_when_clocks_stop_or_go_back(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let id = new_conversation(store, &caller, now).await.id;
    for step in [0, 0, -60, 0, 60, -60] {
        let now = now + TimeDelta::seconds(step);
        let start = start_in(id, owner(LONG), now);
        let fence = fence_of(&start);
        start_new(store, &caller, start).await;
        let finish = FinishRun { now, ..completed() };
        store.journal.finish(fence, finish).await.unwrap();
    }
    let all = listing(100, MessageWindow::Newest);
    let page = store.messages.list(&caller, id, &all).await.unwrap();
    assert_eq!(page.messages.len(), 12);
    assert!(page.messages.is_sorted_by(|one, other| {
        one.created_at < other.created_at && one.sequence_number < other.sequence_number
    }));
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert_eq!(conversation.message_count, 12);
    assert_eq!(conversation.updated_at, page.messages[11].created_at);
}

/// A reader that compares revisions misses no change.
pub async fn the_revision_grows_with_every_visible_change(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let mut revisions = Vec::new();
    let mut read = async || {
        let revision = store.messages.revision(&caller, id).await.unwrap();
        let list = listing(1, MessageWindow::Newest);
        let page = store.messages.list(&caller, id, &list).await.unwrap();
        assert_eq!(page.revision, revision);
        revisions.push(revision);
        page
    };
    read().await;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    assert!(read().await.active_run.is_some());
    let call = tool_call(0);
    start_tool_call(store, fence, &call).await;
    let running = read().await.active_run.unwrap();
    assert_eq!(running.tool_calls[0].status, ToolCallStatus::Running);
    let outcome = outcome(call.id, ToolCallStatus::Success);
    store
        .journal
        .finish_tool_call(fence, &outcome, clock().now())
        .await
        .unwrap();
    read().await;
    store.journal.finish(fence, completed()).await.unwrap();
    assert!(read().await.active_run.is_none());
    assert!(
        revisions.is_sorted_by(|one, other| one < other),
        "{revisions:?}"
    );
}

/// Pages contain each message once: backward by sequence number, forward by message or by time.
pub async fn pages_contain_each_message_once(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for _ in 0..5 {
        complete_turn(store, &caller, id).await;
    }
    let read = async |limit, window| -> MessagePage {
        let list = listing(limit, window);
        store.messages.list(&caller, id, &list).await.unwrap()
    };
    let all = read(100, MessageWindow::Newest).await.messages;
    assert_eq!(all.len(), 10);

    let mut backwards: Vec<Message> = Vec::new();
    let mut window = MessageWindow::Newest;
    loop {
        let page = read(3, window).await;
        window = MessageWindow::Before(page.messages[0].sequence_number);
        backwards.splice(0..0, page.messages);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(backwards, all);

    for by_time in [false, true] {
        let mut forwards = vec![all[0].clone()];
        loop {
            let last = &forwards[forwards.len() - 1];
            let since = if by_time {
                Since::Time(last.created_at)
            } else {
                Since::Message(last.id)
            };
            let page = read(4, MessageWindow::Since(since)).await;
            forwards.extend(page.messages);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(forwards, all);
    }
    let unknown = read(3, MessageWindow::Since(Since::Message(clock().id()))).await;
    assert!(unknown.reset && unknown.has_more);
    assert_eq!(unknown.messages, all[7..]);
}

/// Reading an answer returns its reasoning, and its reason if it is incomplete.
pub async fn reasoning_and_incomplete_reason_are_stored_with_an_answer(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for incomplete_reason in IncompleteReason::ALL
        .iter()
        .copied()
        .map(Some)
        .chain([None])
    {
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        let answer = AnswerDraft {
            text: "an answer".to_owned(),
            incomplete_reason,
            reasoning: Some("a thought\0".to_owned()),
        };
        let finish = FinishRun {
            answer: Some(answer),
            ..completed()
        };
        let finished = store.journal.finish(fence, finish).await.unwrap();
        let stored = finished.assistant_message.unwrap();
        let read = store.messages.get(&caller, id, stored.id).await.unwrap();
        assert_eq!(read, stored);
        assert_eq!(read.reasoning.as_deref(), Some("a thought\u{fffd}"));
        assert_eq!(read.incomplete_reason, incomplete_reason);
        assert_eq!(
            read.status == MessageStatus::Completed,
            incomplete_reason.is_none()
        );
    }
}

/// The owner can rate an answer and remove the rating. User messages cannot be rated.
pub async fn only_answers_can_be_rated(store: &Store) {
    let (caller, other) = (new_caller(), new_caller());
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let answer = complete_turn(store, &caller, id)
        .await
        .assistant_message
        .unwrap();
    let messages = &store.messages;
    for feedback in [Some(Feedback::Positive), Some(Feedback::Negative), None] {
        let before = messages.revision(&caller, id).await.unwrap();
        messages
            .rate(&caller, id, answer.id, feedback)
            .await
            .unwrap();
        let list = listing(1, MessageWindow::Newest);
        let page = messages.list(&caller, id, &list).await.unwrap();
        assert_eq!(page.messages[0].feedback, feedback);
        assert!(page.revision > before);
    }
    let list = listing(2, MessageWindow::Newest);
    let question = messages.list(&caller, id, &list).await.unwrap().messages[0].id;
    let positive = Some(Feedback::Positive);
    let wrong = messages.rate(&caller, id, question, positive).await;
    assert!(
        matches!(wrong, Err(RepositoryError::WrongMessage)),
        "{wrong:?}"
    );
    assert_not_found(messages.rate(&other, id, answer.id, positive).await);
    assert_not_found(messages.rate(&caller, id, clock().id(), positive).await);
}

/// The log is listed with its hidden items, in both directions, after any item.
pub async fn the_log_is_listed_in_both_directions(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    complete_turn(store, &caller, id).await;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        note: Some(note("a note")),
        ..completed()
    };
    store.journal.finish(fence, stopped).await.unwrap();
    let messages = &store.messages;
    let list = |order, after, limit| ListCreated {
        limit: Limit::parse(limit).unwrap(),
        order,
        after,
    };
    let all = list(Order::Asc, None, 100);
    let all = messages.items(&caller, id, all).await.unwrap();
    let ids: Vec<_> = all.entries.iter().map(Item::id).collect();
    assert_eq!((ids.len(), all.has_more), (5, false));
    assert!(matches!(all.entries[4], Item::HiddenContext(_)));
    for place in 0..ids.len() {
        let after = list(Order::Asc, Some(ids[place]), 100);
        let after = messages.items(&caller, id, after).await.unwrap();
        assert_eq!(after.entries, all.entries[place + 1..]);
        let before = list(Order::Desc, Some(ids[place]), 1);
        let before = messages.items(&caller, id, before).await.unwrap();
        let found: Vec<_> = before.entries.iter().map(Item::id).collect();
        assert_eq!(found, ids[place.saturating_sub(1)..place]);
        assert_eq!(before.has_more, place > 1);
    }
    let unknown = list(Order::Asc, Some(clock().id()), 1);
    assert_not_found(messages.items(&caller, id, unknown).await);
    assert_not_found(
        messages
            .items(&new_caller(), id, list(Order::Asc, None, 1))
            .await,
    );
}

/// A message that has left the history is neither read nor rated.
pub async fn a_removed_message_is_not_found(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let removed = removed_answer(store, &caller, id).await;
    let messages = &store.messages;
    assert_not_found(messages.get(&caller, id, removed).await);
    let rating = Some(Feedback::Positive);
    assert_not_found(messages.rate(&caller, id, removed, rating).await);
}

/// A reader whose last message has left the history gets the newest messages instead.
pub async fn a_page_after_a_removed_message_starts_over(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let removed = removed_answer(store, &caller, id).await;
    let list = listing(10, MessageWindow::Since(Since::Message(removed)));
    let page = store.messages.list(&caller, id, &list).await.unwrap();
    assert!(page.reset);
    assert_eq!(page.messages.len(), 1);
}

/// The log is listed after an item even if the item has left the history.
pub async fn the_log_is_listed_after_a_removed_item(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let removed = removed_answer(store, &caller, id).await;
    for (order, expected) in [(Order::Asc, 0), (Order::Desc, 1)] {
        let list = ListCreated {
            limit: Limit::MAX,
            order,
            after: Some(removed),
        };
        let page = store.messages.items(&caller, id, list).await.unwrap();
        assert_eq!(page.entries.len(), expected);
    }
}

/// Completes a turn and starts to answer its message again. Returns the answer of the turn.
async fn removed_answer(store: &Store, caller: &Caller, id: ConversationId) -> ItemId {
    let turn = complete_turn(store, caller, id).await;
    let again = answer_again(id, turn.run.user_message_id.unwrap());
    start_new(store, caller, again).await;
    turn.assistant_message.unwrap().id
}
