//! Facts about items that runs store before their end, and about changes of the conversation.

use chatkit_protocol::{ItemKind, OutputText};
use serde_json::json;

use crate::{
    AnswerDraft, Caller, ConversationChanges, ConversationId, FinishRun, IncompleteReason, Item,
    ItemContent, ItemId, ItemWrite, ListMessages, MAX_ITEM_BYTES, MessageDetails, MessageStatus,
    MessageWindow, Note, RepositoryError, RunEnd, RunFence, StoreItems, StoredItems,
};

use super::fixture::*;

pub(super) fn storing(put: Vec<ItemWrite>) -> StoreItems {
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

/// A widget with a number that `jsonb` would write differently.
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

pub(super) async fn store_items(
    store: &Store,
    fence: RunFence,
    put: Vec<ItemWrite>,
) -> StoredItems {
    store
        .journal
        .store_items(fence, storing(put))
        .await
        .unwrap()
}

/// The log without the user's message, which is its first item.
pub(super) async fn log_after_question(
    store: &Store,
    caller: &Caller,
    id: ConversationId,
) -> Vec<Item> {
    let context = store.messages.context(caller, id, 50).await;
    let mut items = context.unwrap().items;
    items.remove(0);
    items
}

pub(super) async fn message_texts(
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

/// Items of every kind are in the log in the order in which they were stored, with their content.
/// Only answers are messages. The last of them becomes the answer of the run.
pub async fn items_are_stored_before_the_run_ends(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let kinds = kinds();
    let (first, last) = (clock().id(), clock().id());
    let note = ItemWrite {
        id: clock().id(),
        content: ItemContent::HiddenContext("a note".to_owned()),
    };
    let mut put = vec![answer(first, "one"), note];
    put.extend(kinds.iter().cloned().map(display));
    let mut stored = store_items(store, fence, put).await.items;
    let other = store_items(store, fence, vec![answer(last, "two")]).await;
    assert_eq!(other.conversation.message_count, 3);
    stored.extend(other.items);
    assert_eq!(log_after_question(store, &caller, id).await, stored);
    for (item, kind) in stored[2..9].iter().zip(kinds) {
        match item {
            Item::Display(item) => {
                assert_eq!(item.kind, kind);
                assert_eq!(item.run_id, Some(fence.run_id));
            }
            other => panic!("{other:?}"),
        }
    }
    let whole = |text: &str| (text.to_owned(), MessageStatus::Completed);
    let expected = [whole("a question"), whole("one"), whole("two")];
    assert_eq!(message_texts(store, &caller, id).await, expected);
    let finish = FinishRun {
        answer: None,
        partial_answers: Some(Vec::new()),
        ..completed()
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, Some(last));
    assert_eq!(finished.assistant_message.unwrap().content, "two");
    let outcome = store.runs.outcome(&caller, id, fence.run_id).await;
    assert_eq!(outcome.unwrap().assistant_message.unwrap().content, "two");
}

/// Storing an item again replaces its content. Its position stays, and so does the number of
/// messages.
pub async fn storing_an_item_again_replaces_it_in_place(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let message = clock().id();
    let put = vec![answer(message, "one"), display(widget())];
    let first = store_items(store, fence, put).await;
    let second = store_items(store, fence, vec![answer(message, "two")]).await;
    assert_eq!(second.conversation.message_count, 2);
    let items = log_after_question(store, &caller, id).await;
    assert_eq!(items, [second.items[0].clone(), first.items[1].clone()]);
    assert!(matches!(&items[0], Item::Message(message) if message.content == "two"));
    assert_eq!(items[0].sequence_number(), first.items[0].sequence_number());
}

/// A removed message is not counted any more. Removing it again, or an unknown item, changes
/// nothing.
pub async fn a_removed_item_leaves_the_history(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let (message, widget) = (clock().id(), display(widget()));
    store_items(store, fence, vec![answer(message, "one"), widget.clone()]).await;
    for removed in [vec![message], Vec::new()] {
        let remove = StoreItems {
            remove: vec![message, clock().id()],
            ..storing(Vec::new())
        };
        let stored = store.journal.store_items(fence, remove).await.unwrap();
        assert_eq!(stored.removed_messages, removed);
        assert_eq!(stored.conversation.message_count, 1);
    }
    let left = log_after_question(store, &caller, id).await;
    assert_eq!(left.iter().map(Item::id).collect::<Vec<_>>(), [widget.id]);
}

/// A run replaces no user message, no item of another kind, and no item of another conversation.
/// After its end it writes nothing.
pub async fn a_run_writes_no_foreign_items(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let elsewhere = new_conversation(store, &caller, clock().now()).await.id;
    let other = complete_turn(store, &caller, elsewhere).await;
    let (started, fence) = start_run(store, &caller, id, LONG).await;
    let widget = display(widget());
    store_items(store, fence, vec![widget.clone()]).await;
    for wrong in [
        started.user_message.id,
        other.assistant_message.unwrap().id,
        widget.id,
    ] {
        let refused = storing(vec![display(task()), answer(wrong, "mine")]);
        let refused = store.journal.store_items(fence, refused).await;
        assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    }
    let other_kind = ItemWrite {
        id: widget.id,
        ..display(task())
    };
    let refused = store
        .journal
        .store_items(fence, storing(vec![other_kind]))
        .await;
    assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    let remove = StoreItems {
        remove: vec![started.user_message.id],
        ..storing(Vec::new())
    };
    let refused = store.journal.store_items(fence, remove).await;
    assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    assert_eq!(log_after_question(store, &caller, id).await.len(), 1);
    store.journal.finish(fence, completed()).await.unwrap();
    let late = storing(vec![display(task())]);
    assert_lost(store.journal.store_items(fence, late).await);
    assert_eq!(log_after_question(store, &caller, id).await.len(), 2);
}

/// Storing a removed item again returns it to the history at its old position.
pub async fn a_removed_item_can_be_stored_again(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let message = clock().id();
    let first = store_items(
        store,
        fence,
        vec![answer(message, "one"), display(widget())],
    )
    .await;
    let remove = StoreItems {
        remove: vec![message],
        ..storing(Vec::new())
    };
    store.journal.store_items(fence, remove).await.unwrap();
    let again = store_items(store, fence, vec![answer(message, "two")]).await;
    assert_eq!(again.conversation.message_count, 2);
    let ids: Vec<_> = log_after_question(store, &caller, id).await;
    let ids: Vec<_> = ids.iter().map(Item::id).collect();
    assert_eq!(ids, [first.items[0].id(), first.items[1].id()]);
}

/// U+0000, which PostgreSQL cannot store, is replaced by U+FFFD in every kind of item.
pub async fn nul_characters_of_items_are_replaced(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let step = |title: &str| -> ItemKind {
        let task = json!({"type": "custom", "title": title});
        serde_json::from_value(json!({"type": "task", "task": task})).unwrap()
    };
    let note = ItemWrite {
        id: clock().id(),
        content: ItemContent::HiddenContext("a\0b".to_owned()),
    };
    let put = vec![answer(clock().id(), "a\0b"), note, display(step("a\0b"))];
    store_items(store, fence, put).await;
    let finish = FinishRun {
        answer: Some(AnswerDraft::complete("a\0b")),
        ..completed()
    };
    store.journal.finish(fence, finish).await.unwrap();
    for item in log_after_question(store, &caller, id).await {
        match item {
            Item::Message(message) => assert_eq!(message.content, "a\u{fffd}b"),
            Item::HiddenContext(note) => assert_eq!(note.content, "a\u{fffd}b"),
            Item::Display(item) => assert_eq!(item.kind, step("a\u{fffd}b")),
            Item::Unreadable(item) => panic!("{item:?}"),
        }
    }
}

/// An item of the largest size is stored. A larger one is refused.
pub async fn the_size_of_an_item_is_limited(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let note = |bytes| ItemWrite {
        id: clock().id(),
        content: ItemContent::HiddenContext("a".repeat(bytes)),
    };
    store_items(store, fence, vec![note(MAX_ITEM_BYTES)]).await;
    let larger = storing(vec![note(MAX_ITEM_BYTES + 1)]);
    let refused = store.journal.store_items(fence, larger).await;
    assert!(matches!(refused, Err(RepositoryError::TooLarge)));
    assert_eq!(log_after_question(store, &caller, id).await.len(), 1);
}

/// The end of a run is stored even if the items that it leaves are too large, so that every run can
/// end.
pub async fn the_end_of_a_run_may_leave_large_items(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let text = "a".repeat(MAX_ITEM_BYTES + 1);
    let finish = FinishRun {
        partial_answers: Some(vec![answer(clock().id(), &text)]),
        note: Some(Note {
            id: clock().id(),
            text: text.clone(),
        }),
        ..FinishRun::new(RunEnd::Cancelled, clock().now())
    };
    let finished = store.journal.finish(fence, finish).await.unwrap();
    assert_eq!(finished.assistant_message.unwrap().content, text);
    assert_eq!(log_after_question(store, &caller, id).await.len(), 2);
}

/// Only an answer that is more than one plain text keeps its parts.
pub async fn an_answer_of_several_parts_keeps_them(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let message = clock().id();
    let parts = vec![OutputText::new("one "), OutputText::new("two")];
    let several = ItemWrite {
        id: message,
        content: ItemContent::Answer {
            parts: parts.clone(),
            incomplete_reason: Some(IncompleteReason::Length),
        },
    };
    let details = Some(Box::new(MessageDetails::Assistant { content: parts }));
    for (write, text, details, status) in [
        (several, "one two", details, MessageStatus::Incomplete),
        (
            answer(message, "one"),
            "one",
            None,
            MessageStatus::Completed,
        ),
    ] {
        store_items(store, fence, vec![write]).await;
        let read = store.messages.get(&caller, id, message).await.unwrap();
        assert_eq!((read.content.as_str(), read.status), (text, status));
        assert_eq!(read.details, details);
    }
}
