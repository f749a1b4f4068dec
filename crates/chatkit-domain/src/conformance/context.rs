//! Facts about the part of a history that a model receives.

use crate::{AnswerDraft, FinishRun, IncompleteReason, Item, RunEnd, RunError, RunErrorCode};

use super::fixture::{
    LONG, Store, clock, complete_turn, completed, new_caller, new_conversation, note, start_run,
    start_tool_call, tool_call,
};

/// The limit counts messages. Notes between and after them are included, earlier notes are not.
pub async fn the_context_contains_the_newest_messages_with_their_notes(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for index in 0..3 {
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        let stopped = FinishRun {
            end: RunEnd::Cancelled,
            answer: Some(AnswerDraft::incomplete(
                format!("answer {index}"),
                IncompleteReason::Cancelled,
            )),
            note: Some(note(&format!("note {index}"))),
            ..completed()
        };
        store.journal.finish(fence, stopped).await.unwrap();
    }
    let context = async |messages| -> Vec<String> {
        let items = store.messages.context(&caller, id, messages).await.unwrap();
        let items = items.items.into_iter();
        items
            .map(|item| match item {
                Item::Message(message) => message.content,
                Item::HiddenContext(note) => note.content,
                Item::Display(shown) => format!("{:?}", shown.kind),
                Item::Unreadable(item) => panic!("{item:?}"),
            })
            .collect()
    };
    assert_eq!(context(1).await, ["answer 2", "note 2"]);
    assert_eq!(
        context(3).await,
        ["answer 1", "note 1", "a question", "answer 2", "note 2"]
    );
    assert_eq!(context(50).await.len(), 9);
}

/// The context has the window start that the newest run with a window start stored.
pub async fn the_context_returns_the_start_of_the_newest_window(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    for (stored, expected) in [
        (None, None),
        (Some(3), Some(3)),
        (Some(5), Some(5)),
        (None, Some(5)),
    ] {
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        let finish = FinishRun {
            window_start: stored,
            ..completed()
        };
        store.journal.finish(fence, finish).await.unwrap();
        let context = store.messages.context(&caller, id, 50).await.unwrap();
        assert_eq!(context.window_start, expected);
    }
    // Only runs whose items are part of the context count.
    let newest = store.messages.context(&caller, id, 2).await.unwrap();
    assert_eq!(newest.window_start, None);
}

/// A message that the model's filter refused keeps its text.
pub async fn a_withheld_message_is_marked_for_the_model(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let refused = FinishRun {
        end: RunEnd::Failed(RunError::new(RunErrorCode::ContentFiltered)),
        answer: None,
        withholds_message: true,
        ..completed()
    };
    store.journal.finish(fence, refused).await.unwrap();
    complete_turn(store, &caller, id).await;
    let context = store.messages.context(&caller, id, 50).await.unwrap();
    let marked: Vec<(String, bool)> = context
        .items
        .into_iter()
        .filter_map(|item| match item {
            Item::Message(message) => Some((message.content, message.is_withheld)),
            _ => None,
        })
        .collect();
    let expected = [
        ("a question", true),
        ("a question", false),
        ("an answer", false),
    ];
    assert_eq!(
        marked,
        expected.map(|(text, is_withheld)| (text.to_owned(), is_withheld))
    );
}

/// A user message has the tool calls of the run that it started, if that run ended without an
/// answer. Otherwise the answer has them.
pub async fn the_context_contains_the_tool_calls_of_unanswered_runs(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let failed = || RunEnd::Failed(RunError::new(RunErrorCode::ModelFailed));
    for (end, has_answer) in [
        (failed(), false),
        (RunEnd::Cancelled, false),
        (failed(), true),
        (RunEnd::Completed, true),
    ] {
        let (started, fence) = start_run(store, &caller, id, LONG).await;
        start_tool_call(store, fence, &tool_call(0)).await;
        let calls_of_question = async || {
            let context = store.messages.context(&caller, id, 50).await.unwrap();
            let items = context.items.into_iter();
            let mut calls = items.filter_map(|item| match item {
                Item::Message(message) => Some((message.id, message.tool_calls.len())),
                _ => None,
            });
            calls
                .find(|(id, _)| *id == started.user_message.id)
                .unwrap()
                .1
        };
        assert_eq!(calls_of_question().await, 0);
        let finish = FinishRun {
            end,
            answer: has_answer.then(|| AnswerDraft::complete("an answer")),
            ..completed()
        };
        store.journal.finish(fence, finish).await.unwrap();
        assert_eq!(calls_of_question().await, usize::from(!has_answer));
    }
}
