//! Facts about changes of a conversation by its runs.

use crate::{
    Caller, Conversation, ConversationChanges, ConversationId, ConversationStatus, EarlierMessage,
    MessageText, Role, RunFence, RunInput, RunTarget, StartRun, StoreItems, Title,
};
use chrono::TimeDelta;
use serde_json::{Map, json};

use super::{
    fixture::{
        LONG, Store, clock, completed, fence_of, new_caller, new_conversation, owner, start_in,
        start_new,
    },
    items::{answer, display, storing, widget},
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

/// The first message gives its conversation a title. Later messages leave the title as it is.
pub async fn the_first_message_names_the_conversation(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for text in ["first", "second"] {
        let start = start_with(id, text, true);
        let fence = fence_of(&start);
        start_new(store, &caller, start).await;
        store.journal.finish(fence, completed()).await.unwrap();
        let conversation = store.conversations.get(&caller, id).await.unwrap();
        assert_eq!(conversation.title.as_str(), "first");
        assert!(!conversation.title_is_default);
    }
}

/// The title stays the default if no message so far was meant to set it.
pub async fn a_message_names_its_conversation_only_on_request(store: &Store) {
    let caller = new_caller();
    let id = clock().id();
    let earlier = EarlierMessage {
        id: clock().id(),
        role: Role::User,
        content: "earlier".to_owned(),
    };
    let start = StartRun {
        target: RunTarget::New {
            id,
            earlier: vec![earlier],
        },
        ..start_with(id, "first", false)
    };
    start_new(store, &caller, start).await;
    let conversation = store.conversations.get(&caller, id).await.unwrap();
    assert!(conversation.title_is_default);
    assert_eq!(conversation.title, Title::default());
}

/// A run that answers a message with this text.
fn start_with(conversation: ConversationId, text: &str, names_conversation: bool) -> StartRun {
    StartRun {
        input: RunInput::Message {
            id: clock().id(),
            text: MessageText::parse(text.to_owned()).unwrap(),
            details: None,
        },
        names_conversation,
        ..start_in(conversation, owner(LONG), clock().now())
    }
}

/// A new message moves its conversation to the front of the list. New content of a message and
/// other items do not.
pub async fn only_new_messages_move_the_conversation(store: &Store) {
    let caller = new_caller();
    let fence = start_without_naming(store, &caller).await;
    let (message, now) = (clock().id(), clock().now() + TimeDelta::hours(1));
    let writes = [
        answer(message, "one"),
        answer(message, "two"),
        display(widget()),
    ];
    for (hours, write) in (0..).zip(writes) {
        let items = StoreItems {
            now: now + TimeDelta::hours(hours),
            ..storing(vec![write])
        };
        let stored = store.journal.store_items(fence, items).await.unwrap();
        assert_eq!(stored.conversation.updated_at, now);
    }
}

/// A change by a process whose clock is slow leaves the time of the last change as it is.
pub async fn the_time_of_the_last_change_does_not_decrease(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let id = new_conversation(store, &caller, now).await.id;
    let title = Title::parse("a title").unwrap();
    for (minutes, expected) in [(-1, now), (1, now + TimeDelta::minutes(1))] {
        let time = now + TimeDelta::minutes(minutes);
        let renamed = store.conversations.rename(&caller, id, &title, time).await;
        assert_eq!(renamed.unwrap().updated_at, expected);
    }
}
