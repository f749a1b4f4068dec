use serde_json::json;

use super::*;

async fn read(chunks: &[Value]) -> Vec<Result<ModelEvent, ProviderError>> {
    let chunks: Vec<Result<Chunk, OpenAIError>> = chunks
        .iter()
        .map(|chunk| Ok(serde_json::from_value(chunk.clone()).unwrap()))
        .collect();
    events(stream::iter(chunks)).collect().await
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

async fn calls(chunks: &[Value]) -> Vec<(String, String, String)> {
    let events = read(chunks).await;
    let calls = events.into_iter().filter_map(|event| match event.unwrap() {
        ModelEvent::ToolCall(call) => Some((call.call_id, call.tool_name, call.arguments)),
        _ => None,
    });
    calls.collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[tokio::test]
async fn text_usage_and_end() {
    let events = read(&[
        json!({"choices": []}),
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"content": "Hel"})),
        delta(json!({"content": "lo", "reasoning_content": "ignored"})),
        delta(json!({"content": null})),
        end("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
    ])
    .await;
    let events: Vec<_> = events.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        events,
        [
            ModelEvent::TextDelta("Hel".to_owned()),
            ModelEvent::TextDelta("lo".to_owned()),
            ModelEvent::Usage(chatkit_domain::Usage {
                input_tokens: 3,
                output_tokens: 2,
                estimated: false
            }),
            ModelEvent::Finished(FinishReason::Stop),
        ]
    );
}

#[tokio::test]
async fn an_end_without_a_reason_is_a_cut() {
    let events = read(&[delta(json!({"content": "Hel"}))]).await;
    assert!(matches!(events[1], Err(ProviderError::Failed(_))));
    let events = read(&[json!({"error": {"message": "maximum context length"}})]).await;
    assert!(matches!(events[0], Err(ProviderError::ContextTooLong)));
}

#[tokio::test]
async fn calls_as_openai_streams_them() {
    let found = calls(&[
        delta(json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "one", "arguments": ""}}]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}]})),
        delta(json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": ""}}]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}, {"index": 1, "function": {"arguments": "{}"}}]})),
        end("tool_calls"),
    ])
    .await;
    assert_eq!(
        found,
        [call("a", "one", "{\"x\":1}"), call("b", "two", "{}")]
    );
}

#[tokio::test]
async fn calls_without_an_index_and_with_arguments_as_an_object() {
    let found = calls(&[
        delta(json!({"tool_calls": [{"id": "a", "function": {"name": "one", "arguments": {"x": 1}}}, {"id": "b", "function": {"name": "two", "arguments": {}}}]})),
        end("stop"),
    ])
    .await;
    assert_eq!(
        found,
        [call("a", "one", "{\"x\":1}"), call("b", "two", "{}")]
    );
}

#[tokio::test]
async fn calls_that_all_have_the_same_index() {
    let found = calls(&[
        delta(json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": "{}"}}]})),
        delta(json!({"tool_calls": [{"index": 0, "id": "b", "function": {"name": "one", "arguments": "{}"}}]})),
        end("stop"),
    ])
    .await;
    assert_eq!(found, [call("a", "one", "{}"), call("b", "one", "{}")]);
}

#[tokio::test]
async fn ids_and_names_that_are_repeated_with_every_part() {
    let part = |arguments: &str| {
        delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": arguments}}]}),
        )
    };
    let found = calls(&[part("{\"x\":"), part("2}"), end("tool_calls")]).await;
    assert_eq!(found, [call("a", "one", "{\"x\":2}")]);
}

#[tokio::test]
async fn missing_and_doubled_ids_become_unique() {
    let found = calls(&[
        delta(json!({"tool_calls": [{"index": 0, "function": {"name": "one", "arguments": "{}"}}, {"index": 1, "id": "", "function": {"name": "two"}}]})),
        delta(json!({"tool_calls": [{"index": 2, "id": "a", "function": {"name": "three"}}, {"index": 3, "id": "a", "function": {"name": "four"}}]})),
        end("tool_calls"),
    ])
    .await;
    let mut ids: Vec<_> = found.iter().map(|(id, _, _)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let names: Vec<_> = found.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "two", "three", "four"]);
}
