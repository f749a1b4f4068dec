//! What runs write before their end.

use chatkit_domain::{
    BeginRun, ConversationChanges, ConversationId, ConversationStatus, Item, ItemContent,
    ItemDraft, ItemId, KeepItems, KeptItems, ListMessages, MessageStatus, MessageWindow, ShownKind,
    Title,
};

use super::*;

pub(super) fn keeping(put: Vec<ItemDraft>) -> KeepItems {
    KeepItems {
        put,
        remove: Vec::new(),
        changes: ConversationChanges::default(),
        now: clock().now(),
    }
}

pub(super) fn answer(id: ItemId, text: &str) -> ItemDraft {
    let content = ItemContent::Answer {
        text: text.to_owned(),
        parts: None,
        incomplete_reason: None,
    };
    ItemDraft { id, content }
}

pub(super) fn shown(kind: ShownKind) -> ItemDraft {
    ItemDraft {
        id: clock().id(),
        content: ItemContent::Shown(kind, format!("{{\"{kind:?}\":1.0}}")),
    }
}

pub(super) async fn keep(
    repositories: &Repositories,
    fence: RunFence,
    put: Vec<ItemDraft>,
) -> KeptItems {
    repositories.runs.keep(fence, keeping(put)).await.unwrap()
}

/// The log without the user's message at its beginning.
pub(super) async fn log(
    repositories: &Repositories,
    caller: &Caller,
    id: ConversationId,
) -> Vec<Item> {
    let context = repositories.messages.context(caller, id, 50).await;
    let mut items = context.unwrap().items;
    items.remove(0);
    items
}

pub(super) async fn messages(
    repositories: &Repositories,
    caller: &Caller,
    id: ConversationId,
) -> Vec<(String, MessageStatus)> {
    let newest = ListMessages {
        limit: chatkit_domain::Limit::MAX,
        window: MessageWindow::Newest,
    };
    let page = repositories.messages.list(caller, id, &newest).await;
    let messages = page.unwrap().messages.into_iter();
    messages.map(|m| (m.content, m.status)).collect()
}

/// Items of every kind are in the log when they were kept, as they were written, in their order;
/// among the messages are only the answers. The last of these is the run's, when it ends.
pub async fn items_are_kept_before_the_end(repositories: &Repositories) {
    let caller = somebody();
    let id = created(repositories, &caller, clock().now()).await.id;
    let (_, fence) = begun(repositories, &caller, id, LONG).await;
    let kinds = [
        ShownKind::Widget,
        ShownKind::Workflow,
        ShownKind::Task,
        ShownKind::ClientToolCall,
        ShownKind::StructuredInput,
        ShownKind::GeneratedImage,
        ShownKind::EndOfTurn,
    ];
    let (first, last) = (clock().id(), clock().id());
    let note = ItemDraft {
        id: clock().id(),
        content: ItemContent::HiddenContext("a note".to_owned()),
    };
    let mut put = vec![answer(first, "one"), note];
    put.extend(kinds.map(shown));
    let mut kept = keep(repositories, fence, put).await.items;
    let other = keep(repositories, fence, vec![answer(last, "two")]).await;
    assert_eq!(other.conversation.message_count, 3);
    kept.extend(other.items);
    assert_eq!(log(repositories, &caller, id).await, kept);
    for (item, kind) in kept[2..9].iter().zip(kinds) {
        match item {
            Item::Shown(item) => {
                assert_eq!(item.kind, kind);
                assert_eq!(item.body, format!("{{\"{kind:?}\":1.0}}"));
                assert_eq!(item.run_id, Some(fence.run_id));
            }
            other => panic!("{other:?}"),
        }
    }
    let whole = |text: &str| (text.to_owned(), MessageStatus::Completed);
    let said = [whole("a question"), whole("one"), whole("two")];
    assert_eq!(messages(repositories, &caller, id).await, said);
    let finish = FinishRun {
        answer: None,
        begun: Some(Vec::new()),
        ..answered()
    };
    let finished = repositories.runs.finish(fence, finish).await.unwrap();
    assert_eq!(finished.run.assistant_message_id, Some(last));
    assert_eq!(finished.assistant_message.unwrap().content, "two");
    let outcome = repositories.runs.outcome(&caller, id, fence.run_id).await;
    assert_eq!(outcome.unwrap().assistant_message.unwrap().content, "two");
}

/// An item that is kept again is another at the same place; one that is removed is gone, also from
/// the count.
pub async fn an_item_is_put_where_it_stands_and_taken_out(repositories: &Repositories) {
    let caller = somebody();
    let id = created(repositories, &caller, clock().now()).await.id;
    let (_, fence) = begun(repositories, &caller, id, LONG).await;
    let (said, widget) = (clock().id(), shown(ShownKind::Widget));
    keep(
        repositories,
        fence,
        vec![answer(said, "one"), widget.clone()],
    )
    .await;
    let again = keep(repositories, fence, vec![answer(said, "two")]).await;
    assert_eq!(again.conversation.message_count, 2);
    let items = log(repositories, &caller, id).await;
    assert_eq!(items[0], again.items[0]);
    assert!(matches!(&items[0], Item::Message(message) if message.content == "two"));
    let remove = KeepItems {
        remove: vec![said, clock().id()],
        ..keeping(Vec::new())
    };
    let kept = repositories.runs.keep(fence, remove.clone()).await.unwrap();
    assert_eq!(kept.conversation.message_count, 1);
    let kept = repositories.runs.keep(fence, remove).await.unwrap();
    assert_eq!(kept.conversation.message_count, 1);
    let left = log(repositories, &caller, id).await;
    assert_eq!(left.iter().map(Item::id).collect::<Vec<_>>(), [widget.id]);
}

/// A run writes no item of the user's, of another kind or of another conversation, and nothing once
/// it is lost.
pub async fn items_of_others_are_left_alone(repositories: &Repositories) {
    let caller = somebody();
    let id = created(repositories, &caller, clock().now()).await.id;
    let elsewhere = created(repositories, &caller, clock().now()).await.id;
    let other = turn(repositories, &caller, elsewhere).await;
    let (begun, fence) = begun(repositories, &caller, id, LONG).await;
    let widget = shown(ShownKind::Widget);
    keep(repositories, fence, vec![widget.clone()]).await;
    for wrong in [
        begun.user_message.id,
        other.assistant_message.unwrap().id,
        widget.id,
    ] {
        let refused = keeping(vec![shown(ShownKind::Task), answer(wrong, "mine")]);
        let refused = repositories.runs.keep(fence, refused).await;
        assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    }
    let remove = KeepItems {
        remove: vec![begun.user_message.id],
        ..keeping(Vec::new())
    };
    let refused = repositories.runs.keep(fence, remove).await;
    assert!(matches!(refused, Err(RepositoryError::WrongMessage)));
    assert_eq!(log(repositories, &caller, id).await.len(), 1);
    repositories.runs.finish(fence, answered()).await.unwrap();
    let late = keeping(vec![shown(ShownKind::Task)]);
    assert_lost(repositories.runs.keep(fence, late).await);
    assert_eq!(log(repositories, &caller, id).await.len(), 2);
}

/// A run in a conversation that it is not to name.
async fn naming_nothing(repositories: &Repositories, caller: &Caller) -> RunFence {
    let id = created(repositories, caller, clock().now()).await.id;
    let begin = BeginRun {
        names_conversation: false,
        ..begin_at(id, owner(LONG), clock().now())
    };
    let fence = RunFence {
        run_id: begin.id,
        conversation_id: id,
        owner: begin.owner,
    };
    begin_new(repositories, caller, begin).await;
    fence
}

/// The conversation with these changes, as it is read and listed then.
async fn change(
    repositories: &Repositories,
    caller: &Caller,
    fence: RunFence,
    changes: ConversationChanges,
) -> Conversation {
    let keep = KeepItems {
        changes,
        ..keeping(Vec::new())
    };
    let kept = repositories.runs.keep(fence, keep).await.unwrap();
    let conversations = &repositories.conversations;
    let read = conversations.get(caller, fence.conversation_id).await;
    assert_eq!(read.unwrap(), kept.conversation);
    let list = chatkit_domain::ListConversations {
        limit: chatkit_domain::Limit::DEFAULT,
        after: None,
        query: None,
    };
    let listed = conversations.list(caller, &list).await.unwrap();
    assert_eq!(listed.entries, std::slice::from_ref(&kept.conversation));
    kept.conversation
}

/// A run changes what it names of its conversation and nothing else.
pub async fn a_conversation_is_changed_by_its_run(repositories: &Repositories) {
    let caller = somebody();
    let fence = naming_nothing(repositories, &caller).await;
    let nothing = ConversationChanges::default;
    let before = change(repositories, &caller, fence, nothing()).await;
    assert!(before.title_is_default);
    let title = Some(Title::parse("A title").unwrap());
    let changes = ConversationChanges { title, ..nothing() };
    let named = change(repositories, &caller, fence, changes).await;
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
    let changed = change(repositories, &caller, fence, changes).await;
    assert_eq!(changed, expected);
    let changes = ConversationChanges {
        status: Some(ConversationStatus::Active),
        ..nothing()
    };
    let opened = change(repositories, &caller, fence, changes).await;
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
    let cleared = change(repositories, &caller, fence, changes).await;
    assert_eq!(
        (cleared.image_domains, cleared.metadata),
        (None, Map::new())
    );
}
