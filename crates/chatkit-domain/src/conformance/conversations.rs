//! Facts about conversations.

use crate::{
    Caller, Conversation, ConversationId, Limit, ListConversations, ListCreated, Order, Page,
    Position, SearchQuery, Title,
};
use chrono::TimeDelta;

use super::{Store, assert_not_found, clock, created, somebody, turn};

async fn page(
    store: &Store,
    caller: &Caller,
    limit: i64,
    after: Option<Position>,
) -> Page<Conversation> {
    let list = ListConversations {
        limit: Limit::parse(limit).unwrap(),
        after,
        query: None,
    };
    store.conversations.list(caller, &list).await.unwrap()
}

/// Entries with the same time are listed once each, whatever the page's size.
pub async fn pages_hold_under_ties(store: &Store) {
    let (caller, now) = (somebody(), clock().now());
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(created(store, &caller, now).await.id);
    }
    expected.sort();
    expected.reverse();
    for limit in 1..=8 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(store, &caller, limit, after).await;
            seen.extend(page.entries.iter().map(|entry| entry.id));
            after = page.next();
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

/// A conversation that changes between two pages moves to the front and is not shown again.
pub async fn nothing_is_shown_twice_while_conversations_move(store: &Store) {
    let (caller, now) = (somebody(), clock().now());
    let mut newest_first = Vec::new();
    for seconds in (1..=6).rev() {
        let earlier = now - TimeDelta::seconds(seconds);
        newest_first.push(created(store, &caller, earlier).await.id);
    }
    newest_first.reverse();
    let first = page(store, &caller, 2, None).await;
    turn(store, &caller, newest_first[1]).await;
    let (title, later) = (Title::parse("moved").unwrap(), now + TimeDelta::hours(1));
    let renamed = store
        .conversations
        .rename(&caller, newest_first[4], &title, later);
    assert_eq!(renamed.await.unwrap().updated_at, later);
    let second = page(store, &caller, 10, first.next()).await;
    let ids: Vec<ConversationId> = second.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [newest_first[2], newest_first[3], newest_first[5]]);
    let front = page(store, &caller, 1, None).await;
    assert_eq!(front.entries[0].id, newest_first[4]);
}

/// Every access in another caller's name answers as if nothing were there.
pub async fn callers_see_only_their_own(store: &Store) {
    let (alice, mallory, now) = (somebody(), somebody(), clock().now());
    let conversation = created(store, &alice, now).await;
    let id = conversation.id;
    let run = turn(store, &alice, id).await.run;
    let conversations = &store.conversations;
    let title = Title::parse("mine").unwrap();
    assert_not_found(conversations.get(&mallory, id).await);
    assert_not_found(conversations.rename(&mallory, id, &title, now).await);
    assert_not_found(conversations.delete(&mallory, id, now).await);
    assert_not_found(store.messages.revision(&mallory, id).await);
    assert_not_found(store.messages.context(&mallory, id, 50).await);
    assert_not_found(store.runs.get(&mallory, id, run.id).await);
    let begin = super::begin_at(id, super::owner(super::LONG), now);
    assert_not_found(store.runs.start(&mallory, begin).await);
    assert!(page(store, &mallory, 10, None).await.entries.is_empty());

    conversations.delete(&alice, id, now).await.unwrap();
    let long_ago = now - TimeDelta::days(1);
    assert_not_found(conversations.restore(&mallory, id, long_ago).await);
    conversations.restore(&alice, id, long_ago).await.unwrap();
    assert_eq!(
        conversations.get(&alice, id).await.unwrap().message_count,
        2
    );
}

/// A deleted conversation is hidden from reads and writes; restoring brings all of it back, for
/// as long as it may be restored.
pub async fn what_is_deleted_is_hidden_until_it_is_restored(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    turn(store, &caller, id).await;
    let conversations = &store.conversations;
    let before = conversations.get(&caller, id).await.unwrap();
    let deleted_at = clock().now();
    conversations.delete(&caller, id, deleted_at).await.unwrap();
    assert_not_found(conversations.get(&caller, id).await);
    assert_not_found(conversations.delete(&caller, id, deleted_at).await);
    assert_not_found(store.messages.revision(&caller, id).await);
    let begin = super::begin_at(id, super::owner(super::LONG), deleted_at);
    assert_not_found(store.runs.start(&caller, begin).await);
    assert!(page(store, &caller, 10, None).await.entries.is_empty());

    assert_not_found(conversations.restore(&caller, id, deleted_at).await);
    let earlier = deleted_at - TimeDelta::milliseconds(1);
    let restored = conversations.restore(&caller, id, earlier).await.unwrap();
    assert_eq!(restored, before);
    assert_eq!(page(store, &caller, 10, None).await.entries, [before]);
}

/// Titles and messages are searched, of the caller's live conversations.
pub async fn a_search_finds_text_of_live_messages_only(store: &Store) {
    let (alice, bob) = (somebody(), somebody());
    let id = created(store, &alice, clock().now()).await.id;
    turn(store, &alice, id).await;
    let search = async |caller: &Caller, text: &str| {
        let list = ListConversations {
            limit: Limit::parse(10).unwrap(),
            after: None,
            query: Some(SearchQuery::parse(text).unwrap()),
        };
        let page = store.conversations.list(caller, &list).await.unwrap();
        page.entries.len()
    };
    assert_eq!(search(&alice, "AN ANSWER").await, 1);
    assert_eq!(search(&alice, "a question").await, 1);
    assert_eq!(search(&alice, "an_answer").await, 0);
    assert_eq!(search(&bob, "answer").await, 0);
    let now = clock().now();
    store.conversations.delete(&alice, id, now).await.unwrap();
    assert_eq!(search(&alice, "answer").await, 0);
}

/// Conversations are listed as they were created, in both directions and in parts of any size, also
/// where the clock stood still.
pub async fn conversations_are_listed_as_they_were_created(store: &Store) {
    let (caller, now) = (somebody(), clock().now());
    let mut ids = Vec::new();
    for seconds in [0, 1, 1, 1, 2, 3, 3] {
        let at = now + TimeDelta::seconds(seconds);
        ids.push(created(store, &caller, at).await.id);
    }
    let elsewhere = created(store, &somebody(), now).await.id;
    let conversations = &store.conversations;
    // What is changed last moves in the other list only.
    let title = Title::parse("another").unwrap();
    let renamed = conversations.rename(&caller, ids[0], &title, now).await;
    assert!(!renamed.unwrap().title_is_default);
    for order in [Order::Asc, Order::Desc] {
        if order == Order::Desc {
            ids.reverse();
        }
        for limit in 1..=8 {
            let mut found = Vec::new();
            loop {
                let list = ListCreated {
                    limit: Limit::parse(limit).unwrap(),
                    order,
                    after: found.last().copied(),
                };
                let part = conversations.list_created(&caller, list).await.unwrap();
                found.extend(part.entries.iter().map(|conversation| conversation.id));
                if !part.has_more {
                    break;
                }
            }
            assert_eq!(found, ids);
        }
    }
    let list = ListCreated {
        limit: Limit::DEFAULT,
        order: Order::Asc,
        after: Some(elsewhere),
    };
    assert_not_found(conversations.list_created(&caller, list).await);
}
