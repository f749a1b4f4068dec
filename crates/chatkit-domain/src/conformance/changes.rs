//! Facts about changes of a conversation by its runs.

use crate::{
    Caller, Conversation, ConversationChanges, ConversationStatus, RunFence, StartRun, StoreItems,
    Title,
};
use serde_json::{Map, json};

use super::{
    LONG, Store, clock, fence_of, items::storing, new_caller, new_conversation, owner, start_in,
    start_new,
};

/// Starts a run whose message gives its conversation no title.
async fn start_without_naming(store: &Store, caller: &Caller) -> RunFence {
    let id = new_conversation(store, caller, clock().now()).await.id;
    let start = StartRun {
        names_conversation: false,
        ..start_in(id, owner(LONG), clock().now())
    };
    let fence = fence_of(&start);
    start_new(store, caller, start).await;
    fence
}

/// Stores changes of a conversation. Returns the conversation, and checks that it is read and
/// listed like this.
async fn change(
    store: &Store,
    caller: &Caller,
    fence: RunFence,
    changes: ConversationChanges,
) -> Conversation {
    let items = StoreItems {
        changes,
        ..storing(Vec::new())
    };
    let stored = store.journal.store_items(fence, items).await.unwrap();
    let conversations = &store.conversations;
    let read = conversations.get(caller, fence.conversation_id).await;
    assert_eq!(read.unwrap(), stored.conversation);
    let list = crate::ListConversations {
        limit: crate::Limit::DEFAULT,
        after: None,
        query: None,
    };
    let listed = conversations.list(caller, &list).await.unwrap();
    assert_eq!(listed.entries, std::slice::from_ref(&stored.conversation));
    stored.conversation
}

/// A run changes the named fields and no others.
pub async fn a_run_changes_its_conversation(store: &Store) {
    let caller = new_caller();
    let fence = start_without_naming(store, &caller).await;
    let nothing = ConversationChanges::default;
    let before = change(store, &caller, fence, nothing()).await;
    assert!(before.title_is_default);
    let title = Some(Title::parse("A title").unwrap());
    let changes = ConversationChanges { title, ..nothing() };
    let named = change(store, &caller, fence, changes).await;
    assert_eq!(named.title.as_str(), "A title");
    assert!(!named.title_is_default);
    let reason = Some("Under review".to_owned());
    let expected = Conversation {
        status: ConversationStatus::Locked { reason },
        image_domains: Some(vec!["img.example.com".to_owned()]),
        metadata: Map::from_iter([("plan".to_owned(), json!({"n": 1}))]),
        ..named
    };
    let changes = ConversationChanges {
        title: None,
        status: Some(expected.status.clone()),
        image_domains: Some(expected.image_domains.clone()),
        metadata: Some(expected.metadata.clone()),
    };
    let changed = change(store, &caller, fence, changes).await;
    assert_eq!(changed, expected);
    let changes = ConversationChanges {
        status: Some(ConversationStatus::Active),
        ..nothing()
    };
    let opened = change(store, &caller, fence, changes).await;
    let expected = Conversation {
        status: ConversationStatus::Active,
        ..expected
    };
    assert_eq!(opened, expected);
    let changes = ConversationChanges {
        image_domains: Some(None),
        metadata: Some(Map::new()),
        ..nothing()
    };
    let cleared = change(store, &caller, fence, changes).await;
    assert_eq!(
        (cleared.image_domains, cleared.metadata),
        (None, Map::new())
    );
}
