//! Facts about conversations.

use crate::{
    Caller, Conversation, ConversationId, Limit, ListConversations, ListCreated, NewConversation,
    Order, Page, Position, RepositoryError, SearchQuery, Title,
};
use chrono::TimeDelta;

use super::{
    fixture::{
        LONG, Store, assert_not_found, clock, complete_turn, new_caller, new_conversation, owner,
        start_in, start_new,
    },
    turns::answer_again,
};

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

/// The number of conversations that a search finds.
async fn search(store: &Store, caller: &Caller, text: &str) -> usize {
    let list = ListConversations {
        limit: Limit::parse(10).unwrap(),
        after: None,
        query: Some(SearchQuery::parse(text).unwrap()),
    };
    let page = store.conversations.list(caller, &list).await.unwrap();
    page.entries.len()
}

/// Pages of any size contain each conversation once, even if all have the same time.
pub async fn pages_contain_conversations_of_equal_times_once(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(new_conversation(store, &caller, now).await.id);
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

/// A conversation that changes between two pages moves to the front of the list.
pub async fn a_conversation_that_moves_is_not_listed_again(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let mut newest_first = Vec::new();
    for seconds in (1..=6).rev() {
        let earlier = now - TimeDelta::seconds(seconds);
        newest_first.push(new_conversation(store, &caller, earlier).await.id);
    }
    newest_first.reverse();
    let first = page(store, &caller, 2, None).await;
    complete_turn(store, &caller, newest_first[1]).await;
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

/// A conversation of another caller is not found, whatever the method.
pub async fn callers_see_only_their_own_conversations(store: &Store) {
    let (alice, mallory, now) = (new_caller(), new_caller(), clock().now());
    let conversation = new_conversation(store, &alice, now).await;
    let id = conversation.id;
    let run = complete_turn(store, &alice, id).await.run;
    let conversations = &store.conversations;
    let title = Title::parse("mine").unwrap();
    assert_not_found(conversations.get(&mallory, id).await);
    assert_not_found(conversations.rename(&mallory, id, &title, now).await);
    assert_not_found(conversations.delete(&mallory, id, now).await);
    assert_not_found(store.messages.revision(&mallory, id).await);
    assert_not_found(store.messages.context(&mallory, id, 50).await);
    assert_not_found(store.runs.get(&mallory, id, run.id).await);
    let start = start_in(id, owner(LONG), now);
    assert_not_found(store.runs.start(&mallory, start).await);
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

/// No read and no start finds a deleted conversation. Restoring returns all of it. Restoring fails
/// if the conversation was deleted too early.
pub async fn a_deleted_conversation_is_hidden_until_it_is_restored(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    complete_turn(store, &caller, id).await;
    let conversations = &store.conversations;
    let before = conversations.get(&caller, id).await.unwrap();
    let deleted_at = clock().now();
    conversations.delete(&caller, id, deleted_at).await.unwrap();
    assert_not_found(conversations.get(&caller, id).await);
    assert_not_found(conversations.delete(&caller, id, deleted_at).await);
    assert_not_found(store.messages.revision(&caller, id).await);
    let start = start_in(id, owner(LONG), deleted_at);
    assert_not_found(store.runs.start(&caller, start).await);
    assert!(page(store, &caller, 10, None).await.entries.is_empty());

    assert_not_found(conversations.restore(&caller, id, deleted_at).await);
    let earlier = deleted_at - TimeDelta::milliseconds(1);
    let restored = conversations.restore(&caller, id, earlier).await.unwrap();
    assert_eq!(restored, before);
    assert_eq!(page(store, &caller, 10, None).await.entries, [before]);
}

/// A search takes its text literally. It covers the caller's conversations that are not deleted.
pub async fn a_search_finds_messages_of_live_conversations_only(store: &Store) {
    let (alice, bob) = (new_caller(), new_caller());
    let id = new_conversation(store, &alice, clock().now()).await.id;
    complete_turn(store, &alice, id).await;
    assert_eq!(search(store, &alice, "AN ANSWER").await, 1);
    assert_eq!(search(store, &alice, "a question").await, 1);
    assert_eq!(search(store, &alice, "an_answer").await, 0);
    assert_eq!(search(store, &bob, "answer").await, 0);
    let now = clock().now();
    store.conversations.delete(&alice, id, now).await.unwrap();
    assert_eq!(search(store, &alice, "answer").await, 0);
}

/// Pages of any size list conversations in order of creation, in both directions, even if several
/// have the same time.
pub async fn conversations_are_listed_in_order_of_creation(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let mut ids = Vec::new();
    for seconds in [0, 1, 1, 1, 2, 3, 3] {
        let at = now + TimeDelta::seconds(seconds);
        ids.push(new_conversation(store, &caller, at).await.id);
    }
    let elsewhere = new_conversation(store, &new_caller(), now).await.id;
    let conversations = &store.conversations;
    // A change moves a conversation in the other list only.
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
                let page = conversations.list_created(&caller, list).await.unwrap();
                found.extend(page.entries.iter().map(|conversation| conversation.id));
                if !page.has_more {
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

/// A search finds titles and messages whatever their case and the composition of their characters.
pub async fn a_search_ignores_case_and_composition(store: &Store) {
    let caller = new_caller();
    let title = Title::parse("ÄPFEL Kaufen").unwrap();
    let new = NewConversation {
        id: clock().id(),
        title: Some(title),
        now: clock().now(),
    };
    store.conversations.insert(&caller, new).await.unwrap();
    for (text, expected) in [("a\u{308}pfel k", 1), ("birnen", 0)] {
        assert_eq!(search(store, &caller, text).await, expected, "{text}");
    }
}

/// A search does not find the text of a message that has left the history.
pub async fn a_search_finds_no_removed_messages(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let first = complete_turn(store, &caller, id).await;
    assert_eq!(search(store, &caller, "answer").await, 1);
    let again = answer_again(id, first.run.user_message_id.unwrap());
    start_new(store, &caller, again).await;
    assert_eq!(search(store, &caller, "answer").await, 0);
}

/// A list in order of creation continues after a conversation that was deleted meanwhile.
pub async fn a_list_continues_after_a_deleted_conversation(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let first = new_conversation(store, &caller, now).await.id;
    let second = new_conversation(store, &caller, now).await.id;
    let conversations = &store.conversations;
    conversations.delete(&caller, first, now).await.unwrap();
    let list = ListCreated {
        limit: Limit::DEFAULT,
        order: Order::Asc,
        after: Some(first),
    };
    let page = conversations.list_created(&caller, list).await.unwrap();
    let ids: Vec<_> = page.entries.iter().map(|found| found.id).collect();
    assert_eq!(ids, [second]);
}

/// Inserting a conversation with a known id fails, and changes nothing.
pub async fn a_conversation_id_is_used_once(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let known = new_conversation(store, &caller, now).await;
    let new = NewConversation {
        id: known.id,
        title: Some(Title::parse("another").unwrap()),
        now,
    };
    for caller in [&caller, &new_caller()] {
        let failed = store.conversations.insert(caller, new.clone()).await;
        assert!(matches!(failed, Err(RepositoryError::Failed(_))));
    }
    let read = store.conversations.get(&caller, known.id).await.unwrap();
    assert_eq!(read, known);
}
