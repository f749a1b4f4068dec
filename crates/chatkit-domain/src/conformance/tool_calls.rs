//! Facts about tool calls.

use crate::{
    AnswerDraft, FinishRun, IncompleteReason, Limit, ListMessages, MessageStatus, MessageWindow,
    NewToolCall, RunEnd, RunError, RunErrorCode, ToolCallOutcome, ToolCallStatus,
};
use chrono::TimeDelta;
use serde_json::json;

use super::fixture::{
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

/// Tool calls that still run become cancelled if the owner stopped them, and unknown if it cannot
/// know their effect. Calls that have ended stay as they are.
pub async fn the_end_of_a_run_settles_its_tool_calls(store: &Store) {
    use RunErrorCode::{Internal, Interrupted, ModelFailed, TooManyToolRounds, Unavailable};
    let caller = new_caller();
    let failed = |code| RunEnd::Failed(RunError::new(code));
    for (end, expected) in [
        (RunEnd::Cancelled, ToolCallStatus::Cancelled),
        (failed(ModelFailed), ToolCallStatus::Cancelled),
        (failed(TooManyToolRounds), ToolCallStatus::Cancelled),
        (failed(Interrupted), ToolCallStatus::Unknown),
        (failed(Unavailable), ToolCallStatus::Unknown),
        (failed(Internal), ToolCallStatus::Unknown),
    ] {
        let id = new_conversation(store, &caller, clock().now()).await.id;
        let (_, fence) = start_run(store, &caller, id, LONG).await;
        let calls = [tool_call(0), tool_call(1)];
        let now = clock().now();
        let journal = &store.journal;
        journal.start_tool_calls(fence, &calls, now).await.unwrap();
        let outcome = outcome(calls[0].id, ToolCallStatus::Success);
        let finished = journal.finish_tool_call(fence, &outcome, now);
        finished.await.unwrap();
        let later = now + TimeDelta::seconds(1);
        let finish = FinishRun::new(end, later);
        let run = journal.finish(fence, finish).await.unwrap().run;
        let ends = run.tool_calls.iter();
        let ends: Vec<_> = ends.map(|call| (call.status, call.completed_at)).collect();
        assert_eq!(
            ends,
            [
                (ToolCallStatus::Success, Some(now)),
                (expected, Some(later))
            ]
        );
    }
}

/// Tool calls are returned by round and position, in whatever order they were recorded.
pub async fn tool_calls_are_returned_in_the_order_of_the_model(store: &Store) {
    let caller = new_caller();
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let (_, fence) = start_run(store, &caller, id, LONG).await;
    let later_round = NewToolCall {
        round: 1,
        ..tool_call(0)
    };
    for call in [later_round, tool_call(1), tool_call(0)] {
        start_tool_call(store, fence, &call).await;
    }
    let run = store.runs.get(&caller, id, fence.run_id).await.unwrap();
    let order = run.tool_calls.iter();
    let order: Vec<_> = order.map(|call| (call.round, call.position)).collect();
    assert_eq!(order, [(0, 0), (0, 1), (1, 0)]);
}

/// The calls of failed runs are listed for the message that the runs answered, for its user only.
pub async fn failed_tool_calls_are_those_of_failed_runs_of_a_message(store: &Store) {
    let (caller, other) = (new_caller(), new_caller());
    let id = new_conversation(store, &caller, clock().now()).await.id;
    let failed = RunEnd::Failed(RunError::new(RunErrorCode::ModelFailed));
    for (end, expected) in [(failed, 1), (RunEnd::Cancelled, 0), (RunEnd::Completed, 0)] {
        let (started, fence) = start_run(store, &caller, id, LONG).await;
        start_tool_call(store, fence, &tool_call(0)).await;
        let finish = FinishRun::new(end, clock().now());
        store.journal.finish(fence, finish).await.unwrap();
        let message = started.user_message.id;
        for (caller, expected) in [(&caller, expected), (&other, 0)] {
            let calls = store.runs.failed_tool_calls(caller, id, message).await;
            assert_eq!(calls.unwrap().len(), expected);
        }
    }
}
