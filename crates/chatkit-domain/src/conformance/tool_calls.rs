//! Facts about tool calls.

use crate::{
    AnswerDraft, FinishRun, IncompleteReason, Limit, ListMessages, MessageStatus, MessageWindow,
    RunEnd, ToolCallOutcome, ToolCallStatus,
};
use serde_json::json;

use super::{
    LONG, Store, clock, completed, new_caller, new_conversation, outcome, start_run,
    start_tool_call, tool_call,
};

/// Arguments and results are read with the answer exactly as they were recorded.
pub async fn tool_calls_are_stored_with_the_answer(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (started, fence) = start_run(store, &caller, id, LONG).await;
    let mut broken = tool_call(1);
    broken.arguments.clear();
    broken.arguments_text = Some("{ no json".to_owned());
    let calls = [tool_call(0), broken];
    let now = clock().now();
    store
        .journal
        .start_tool_calls(fence, &calls, now)
        .await
        .unwrap();
    let result = json!({"text": "ünï\"code", "list": [1, 2.5, null, true], "deep": {"a": {}}});
    let outcomes = [
        ToolCallOutcome {
            result: Some(result.clone()),
            ..outcome(calls[0].id, ToolCallStatus::Success)
        },
        ToolCallOutcome {
            error_message: Some("no JSON".to_owned()),
            ..outcome(calls[1].id, ToolCallStatus::Error)
        },
    ];
    for outcome in outcomes {
        store
            .journal
            .finish_tool_call(fence, &outcome, now)
            .await
            .unwrap();
    }
    let finished = store.journal.finish(fence, completed()).await.unwrap();
    let answer = finished.assistant_message.unwrap();
    assert_eq!(answer.tool_calls, finished.run.tool_calls);
    assert_eq!(answer.tool_calls[0].result, Some(result));
    assert_eq!(answer.tool_calls[0].message_id, Some(answer.id));
    assert_eq!(
        answer.tool_calls[1].arguments_text.as_deref(),
        Some("{ no json")
    );
    let run = store.runs.get(&caller, id, started.run.id).await.unwrap();
    assert_eq!(run, finished.run);
    let list = ListMessages {
        limit: Limit::parse(1).unwrap(),
        window: MessageWindow::Newest,
    };
    let page = store.messages.list(&caller, id, &list).await.unwrap();
    assert_eq!(page.messages, [answer]);
}

/// The calls that still run when the user stops a run are recorded as cancelled with its partial
/// answer.
pub async fn unfinished_tool_calls_of_a_stopped_run_are_cancelled(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    start_tool_call(store, fence, &tool_call(0)).await;
    let stopped = FinishRun {
        end: RunEnd::Cancelled,
        answer: Some(AnswerDraft::incomplete(
            "half an ans",
            IncompleteReason::Cancelled,
        )),
        ..completed()
    };
    let finished = store.journal.finish(fence, stopped).await.unwrap();
    let answer = finished.assistant_message.unwrap();
    assert_eq!(answer.status, MessageStatus::Incomplete);
    assert_eq!(answer.tool_calls[0].status, ToolCallStatus::Cancelled);
    assert!(answer.tool_calls[0].completed_at.is_some());
}
