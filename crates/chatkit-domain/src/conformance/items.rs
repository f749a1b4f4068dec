//! What runs write before their end.

use crate::{
    ConversationChanges, ConversationId, ConversationStatus, Item, ItemContent, ItemId, ItemWrite,
    ListMessages, MessageStatus, MessageWindow, StartRun, StoreItems, StoredItems, Title,
};

use chatkit_protocol::{ItemKind, OutputText};

use super::*;

pub(super) fn keeping(put: Vec<ItemWrite>) -> StoreItems {
    StoreItems {
        put,
        remove: Vec::new(),
        changes: ConversationChanges::default(),
        now: clock().now(),
    }
}

pub(super) fn answer(id: ItemId, text: &str) -> ItemWrite {
    let content = ItemContent::Answer {
        parts: vec![OutputText::new(text)],
        incomplete_reason: None,
    };
    ItemWrite { id, content }
}

pub(super) fn display(kind: ItemKind) -> ItemWrite {
    ItemWrite {
        id: clock().id(),
        content: ItemContent::Display(kind),
    }
}

/// A widget whose numbers have a form of their own.
pub(super) fn widget() -> ItemKind {
    let widget = json!({"type": "Card", "size": 1.0, "children": []});
    ItemKind::Widget {
        widget: serde_json::from_value(widget).unwrap(),
        copy_text: None,
    }
}

pub(super) fn task() -> ItemKind {
    serde_json::from_value(json!({"type": "task", "task": {"type": "custom", "title": "A step"}}))
        .unwrap()
}

/// An item of every kind that is neither a message nor a note.
fn kinds() -> Vec<ItemKind> {
    [
        json!({"type": "workflow", "workflow": {"type": "custom", "tasks": []}}),
        json!({"type": "client_tool_call", "call_id": "1", "name": "tool", "arguments": {}}),
        json!({"type": "structured_input", "status": "pending", "inputs": []}),
        json!({"type": "generated_image"}),
        json!({"type": "end_of_turn"}),
    ]
    .into_iter()
    .map(|kind| serde_json::from_value(kind).unwrap())
    .chain([widget(), task()])
    .collect()
}

pub(super) async fn keep(store: &Store, fence: RunFence, put: Vec<ItemWrite>) -> StoredItems {
    store
        .journal
        .store_items(fence, keeping(put))
        .await
        .unwrap()
}

/// The log without the user's message at its beginning.
pub(super) async fn log(store: &Store, caller: &Caller, id: ConversationId) -> Vec<Item> {
    let context = store.messages.context(caller, id, 50).await;
    let mut items = context.unwrap().items;
    items.remove(0);
    items
}

pub(super) async fn messages(
    store: &Store,
    caller: &Caller,
    id: ConversationId,
) -> Vec<(String, MessageStatus)> {
    let newest = ListMessages {
        limit: crate::Limit::MAX,
        window: MessageWindow::Newest,
    };
    let page = store.messages.list(caller, id, &newest).await;
    let messages = page.unwrap().messages.into_iter();
    messages.map(|m| (m.content, m.status)).collect()
}

/// Items of every kind are in the log when they were kept, as they were written, in their order;
/// among the messages are only the answers. The last of these is the run's, when it ends.
pub async fn items_are_kept_before_the_end(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    let kinds = kinds();
    let (first, last) = (clock().id(), clock().id());
    let note = ItemWrite {
        id: clock().id(),
        content: ItemContent::HiddenContext("a note".to_owned()),
    };
    let mut put = vec![answer(first, "one"), note];
    put.extend(kinds.iter().cloned().map(display));
    let mut kept = keep(store, fence, put).await.items;
    let other = keep(store, fence, vec![answer(last, "two")]).await;
    assert_eq!(other.conversation.message_count, 3);
    kept.extend(other.items);
    assert_eq!(log(store, &caller, id).await, kept);
    for (item, kind) in kept[2..9].iter().zip(kinds) {
        match item {
            Item::Display(item) => {
                assert_eq!(item.kind, kind);
                assert_eq!(item.run_id, Some(fence.run_id));
            }
            other => panic!("{other:?}"),
        }
    }
    let whole = |text: &str| (text.to_owned(), MessageStatus::Completed);
    let said = [whole("a question"), whole("one"), whole("two")];
    assert_eq!(messages(store, &caller, id).await, said);
    let finish = FinishRun {
        answer: None,
        partial_answers: Some(Vec::new()),
        ..answered()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, Some(last));
    assert_eq!(finished.assistant_message.unwrap().content, "two");
    let outcome = store.runs.outcome(&caller, id, fence.run_id).await;
    assert_eq!(outcome.unwrap().assistant_message.unwrap().content, "two");
}

/// An item that is kept again is another at the same place; one that is removed is gone, also from
/// the count.
pub async fn an_item_is_put_where_it_stands_and_taken_out(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let (_, fence) = begun(store, &caller, id, LONG).await;
    let (said, widget) = (clock().id(), display(widget()));
    keep(store, fence, vec![answer(said, "one"), widget.clone()]).await;
    let again = keep(store, fence, vec![answer(said, "two")]).await;
    assert_eq!(again.conversation.message_count, 2);
    let items = log(store, &caller, id).await;
    assert_eq!(items[0], again.items[0]);
    assert!(matches!(&items[0], Item::Message(message) if message.content == "two"));
    let remove = StoreItems {
        remove: vec![said, clock().id()],
        ..keeping(Vec::new())
    };
    let kept = store
        .journal
        .store_items(fence, remove.clone())
        .await
        .unwrap();
    assert_eq!(kept.conversation.message_count, 1);
    let kept = store.journal.store_items(fence, remove).await.unwrap();
    assert_eq!(kept.conversation.message_count, 1);
    let left = log(store, &caller, id).await;
    assert_eq!(left.iter().map(Item::id).collect::<Vec<_>>(), [widget.id]);
}

/// A run writes no item of the user's, of another kind or of another conversation, and nothing once
/// it is lost.
pub async fn items_of_others_are_left_alone(store: &Store) {
    let caller = somebody();
    let id = created(store, &caller, clock().now()).await.id;
    let elsewhere = created(store, &caller, clock().now()).await.id;
    let other = turn(store, &caller, elsewhere).await;
    let (begun, fence) = begun(store, &caller, id, LONG).await;
    let widget = display(widget());
    keep(store, fence, vec![widget.clone()]).await;
    for wrong in [
        begun.user_message.id,
        other.assistant_message.unwrap().id,
        widget.id,
    ] {
        let refused = keeping(vec![display(task()), answer(wrong, "mine")]);
        let refused = store.journal.store_items(fence, refused).await;
        assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    }
    let remove = StoreItems {
        remove: vec![begun.user_message.id],
        ..keeping(Vec::new())
    };
    let refused = store.journal.store_items(fence, remove).await;
    assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    assert_eq!(log(store, &caller, id).await.len(), 1);
    store.journal.finish(fence, answered()).await.unwrap();
    let late = keeping(vec![display(task())]);
    assert_lost(store.journal.store_items(fence, late).await);
    assert_eq!(log(store, &caller, id).await.len(), 2);
}

/// A run in a conversation that it is not to name.
async fn naming_nothing(store: &Store, caller: &Caller) -> RunFence {
    let id = created(store, caller, clock().now()).await.id;
    let begin = StartRun {
        names_conversation: false,
        ..begin_at(id, owner(LONG), clock().now())
    };
    let fence = RunFence {
        run_id: begin.id,
        conversation_id: id,
        owner: begin.owner,
    };
    begin_new(store, caller, begin).await;
    fence
}

/// The conversation with these changes, as it is read and listed then.
async fn change(
    store: &Store,
    caller: &Caller,
    fence: RunFence,
    changes: ConversationChanges,
) -> Conversation {
    let keep = StoreItems {
        changes,
        ..keeping(Vec::new())
    };
    let kept = store.journal.store_items(fence, keep).await.unwrap();
    let conversations = &store.conversations;
    let read = conversations.get(caller, fence.conversation_id).await;
    assert_eq!(read.unwrap(), kept.conversation);
    let list = crate::ListConversations {
        limit: crate::Limit::DEFAULT,
        after: None,
        query: None,
    };
    let listed = conversations.list(caller, &list).await.unwrap();
    assert_eq!(listed.entries, std::slice::from_ref(&kept.conversation));
    kept.conversation
}

/// A run changes what it names of its conversation and nothing else.
pub async fn a_conversation_is_changed_by_its_run(store: &Store) {
    let caller = somebody();
    let fence = naming_nothing(store, &caller).await;
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
