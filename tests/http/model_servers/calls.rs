//! Tool calls as model servers send them.

use chatkit_tests::model::{Reply, Step};
use serde_json::{Value, json};

use super::{APIS, Chat};

#[tokio::test]
async fn complete_calls_with_the_same_index_stay_separate() {
    let call = |title: &str| {
        let arguments = json!({"title": title}).to_string();
        let function = json!({"name": "add_task", "arguments": arguments});
        Step::delta(json!({"tool_calls": [{"index": 0, "type": "function", "function": function}]}))
    };
    let calls = Reply::Stream(vec![call("Milk"), call("Bread"), Step::end("tool_calls")]);
    let chat = Chat::scripted([calls, Reply::text("Done.")], &[]).await;
    let answer = chat.answer("Add milk and bread").await;
    let titles: Vec<_> = answer["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["arguments"]["title"].clone(), call["status"].clone()))
        .collect();
    assert_eq!(
        titles,
        [
            (json!("Milk"), json!("success")),
            (json!("Bread"), json!("success"))
        ]
    );
}

#[tokio::test]
async fn arguments_written_carelessly_are_carried_out() {
    let calls = [
        ("a", "add_task", "{\"title\":\"Milk\"}"),
        ("b", "list_tasks", "null"),
        ("c", "complete_task", "{\"task_number\": 1.0}"),
        ("d", "list_tasks", "{\"status\": null}"),
    ];
    for api in APIS {
        let reply = match api {
            "responses" => response_calls(&calls),
            _ => Reply::calls(&calls),
        };
        let done = match api {
            "responses" => Reply::response("Done."),
            _ => Reply::text("Done."),
        };
        let chat = Chat::scripted([reply, done], &[&format!("--openai-api={api}")]).await;
        let answer = chat.answer("Go").await;
        for call in answer["tool_calls"].as_array().unwrap() {
            assert_eq!(call["status"], "success", "{call}");
        }
        assert_eq!(answer["tool_calls"][1]["arguments"], json!({}));
    }
}

/// A round of calls by the Responses API.
pub(super) fn response_calls(calls: &[(&str, &str, &str)]) -> Reply {
    let items = calls.iter().map(|(id, name, arguments)| {
        let item =
            json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments});
        json!({"type": "response.output_item.done", "item": item})
    });
    let end = json!({"type": "response.completed", "response": {}});
    Reply::Response(items.chain([end]).collect())
}

#[tokio::test]
async fn a_call_stores_its_text_position() {
    let call = |text: &str| {
        Reply::Stream(vec![
            Step::text(text),
            Step::call(0, "a", "list_tasks", "{}"),
            Step::end("tool_calls"),
        ])
    };
    let chat = Chat::scripted(
        [call("Let mé see."), call("Again."), Reply::text("Done.")],
        &[],
    )
    .await;
    let answer = chat.answer("Go").await;
    assert_eq!(answer["content"], "Let mé see.\n\nAgain.\n\nDone.");
    let offsets: Vec<_> = answer["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["content_offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, [11, 19]);
}

#[tokio::test]
async fn a_call_in_odd_pieces_runs_once() {
    let piece = |id: Value, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        Step::delta(json!({"tool_calls": [{"index": 0, "id": id, "function": function}]}))
    };
    let none = Value::Null;
    let rows = [
        // Repeated as a whole, written otherwise.
        vec![
            piece(json!("a"), "add_task", "{\"title\":\"Milk\"}"),
            piece(json!("a"), "add_task", "{ \"title\": \"Milk\" }"),
        ],
        vec![
            piece(none.clone(), "add_task", "{\"title\":\"Milk\"}"),
            piece(none.clone(), "add_task", "{\"title\":\"Milk\"}"),
        ],
        vec![
            piece(json!("a"), "add_task", "{\"title\":\"Milk\"}"),
            piece(json!("a"), "add_task", "\n"),
        ],
        // A name in pieces.
        vec![
            piece(json!("a"), "add_", ""),
            piece(none.clone(), "task", ""),
            piece(none.clone(), "", "{\"title\":\"Milk\"}"),
        ],
        // Another id with every piece.
        vec![
            piece(json!("a"), "add_task", "{\"title\":"),
            piece(json!("b"), "", "\"Milk\"}"),
        ],
        // A placeholder for the arguments.
        vec![
            piece(json!("a"), "add_task", "{}"),
            piece(none.clone(), "", "{\"title\":\"Milk\"}"),
        ],
        vec![
            Step::delta(json!({"tool_calls": [{}, null]})),
            piece(none.clone(), "functions.add_task", "{\"title\":\"Milk\"}"),
        ],
    ];
    for pieces in rows {
        let name = format!("{pieces:?}");
        let steps = pieces.into_iter().chain([Step::end("tool_calls")]);
        let chat = Chat::scripted([Reply::Stream(steps.collect())], &[]).await;
        let answer = chat.answer("Add milk").await;
        let calls = answer["tool_calls"].as_array().unwrap();
        assert_eq!(calls.len(), 1, "{name}: {calls:?}");
        assert_eq!(
            (&calls[0]["status"], &calls[0]["tool_name"]),
            (&json!("success"), &json!("add_task")),
            "{name}"
        );
    }
}
