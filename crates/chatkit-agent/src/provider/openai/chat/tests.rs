use serde_json::{Value, json};

use crate::provider::{
    FinishReason, ModelEvent, ProviderError,
    openai::{OpenAiApi, answer::Broken, decoded},
};

type Decoded = (Vec<ModelEvent>, Result<(), Broken>);

fn read(chunks: &[Value]) -> Decoded {
    let stream: String = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    decoded(OpenAiApi::ChatCompletions, stream.as_bytes())
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn calls(chunks: &[Value]) -> Vec<(String, String, String)> {
    let (events, end) = read(chunks);
    assert!(end.is_ok(), "{end:?}");
    let calls = events.into_iter().filter_map(|event| match event {
        ModelEvent::ToolCall(call) => Some((call.call_id, call.tool_name, call.arguments)),
        _ => None,
    });
    calls.collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

fn text(text: &str) -> ModelEvent {
    ModelEvent::TextDelta(text.to_owned())
}

fn reasoning(text: &str) -> ModelEvent {
    ModelEvent::ReasoningDelta(text.to_owned())
}

#[test]
fn a_simple_answer_is_decoded() {
    let (events, end) = read(&[
        json!({"choices": []}),
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"content": "Hel"})),
        delta(json!({"content": "lo"})),
        delta(json!({"content": null})),
        end("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
    ]);
    assert!(end.is_ok());
    let usage = chatkit_domain::Usage {
        input_tokens: 3,
        output_tokens: 2,
        cached_tokens: None,
        estimated: false,
    };
    let finished = ModelEvent::Finished(FinishReason::Stop);
    assert_eq!(
        events,
        [text("Hel"), text("lo"), ModelEvent::Usage(usage), finished]
    );
}

#[test]
fn reasoning_has_many_names_and_is_read_once() {
    for shown in [
        json!({"reasoning_content": "hm"}),
        json!({"reasoning": "hm"}),
        json!({"reasoning_content": "hm", "reasoning": "hm"}),
        json!({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
        json!({"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
    ] {
        let (events, _) = read(&[
            delta(shown.clone()),
            delta(json!({"content": "a"})),
            end("stop"),
        ]);
        let shown_events: Vec<_> = events
            .into_iter()
            .filter(|event| *event != ModelEvent::Working)
            .collect();
        let finished = ModelEvent::Finished(FinishReason::Stop);
        assert_eq!(
            shown_events,
            [reasoning("hm"), text("a"), finished],
            "{shown}"
        );
    }
}

#[test]
fn unknown_output_counts_as_activity_and_heartbeats_do_not() {
    let (events, _) = read(&[delta(json!({"audio": {"data": "x"}}))]);
    assert_eq!(events, [ModelEvent::Working]);
    let heartbeats = [
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({})),
        json!({"choices": []}),
        json!({}),
    ];
    assert_eq!(read(&heartbeats).0, []);
    let silent = b": comment\n\ndata:\n\nevent: ping\ndata: \n\n";
    assert_eq!(decoded(OpenAiApi::ChatCompletions, silent).0, []);
}

#[test]
fn a_finish_reason_or_done_marker_ends_the_answer() {
    let half = delta(json!({"content": "Hel"}));
    let (events, cut) = read(std::slice::from_ref(&half));
    assert!(matches!(cut, Err(Broken::Failed(ProviderError::Failed(_)))));
    assert_eq!(events, [text("Hel")]);
    let marked = format!("data: {half}\n\ndata: [DONE] \n\ndata: {half}\n\n");
    let (events, result) = decoded(OpenAiApi::ChatCompletions, marked.as_bytes());
    assert!(result.is_ok());
    assert_eq!(
        events,
        [text("Hel"), ModelEvent::Finished(FinishReason::Stop)]
    );
    for (reason, expected) in [
        ("length", FinishReason::Length),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("of_tomorrow", FinishReason::Stop),
    ] {
        let (events, _) = read(&[end(reason)]);
        assert_eq!(events, [ModelEvent::Finished(expected)]);
    }
    for failure in ["error", "abort", "insufficient_system_resource"] {
        assert!(read(&[half.clone(), end(failure)]).1.is_err());
    }
}

#[test]
fn an_answer_without_a_stream_is_read() {
    let whole = json!({
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "Hello", "reasoning_content": "hm",
            "tool_calls": [{"id": "a", "function": {"name": "one", "arguments": "{}"}}],
        }}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    });
    let pretty = serde_json::to_string_pretty(&whole).unwrap();
    let (events, end) = decoded(OpenAiApi::ChatCompletions, pretty.as_bytes());
    assert!(end.is_ok());
    assert_eq!(events[..2], [reasoning("hm"), text("Hello")]);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, ModelEvent::ToolCall(_)))
    );
    for broken in ["{}", "{\"choices\": []}", "[]", "{", "{\"error\": {}}"] {
        let (_, end) = decoded(OpenAiApi::ChatCompletions, broken.as_bytes());
        assert!(end.is_err(), "{broken}");
    }
}

#[test]
fn events_without_an_empty_line_between_them_are_read() {
    let chunks = [
        delta(json!({"content": "a"})),
        delta(json!({"content": "b"})),
        end("stop"),
    ];
    let stream: String = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n"))
        .collect();
    let (events, end) = decoded(OpenAiApi::ChatCompletions, stream.as_bytes());
    assert!(end.is_ok());
    assert_eq!(events[..2], [text("a"), text("b")]);
}

#[test]
fn streamed_call_pieces_are_joined() {
    let found = calls(&[
        delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "one", "arguments": ""}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}]})),
        delta(
            json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": ""}}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}, {"index": 1, "function": {"arguments": "{}"}}]}),
        ),
        end("tool_calls"),
    ]);
    assert_eq!(
        found,
        [call("a", "one", "{\"x\":1}"), call("b", "two", "{}")]
    );
}

#[test]
fn calls_without_an_index_are_separated() {
    let found = calls(&[
        delta(
            json!({"tool_calls": [{"id": "a", "function": {"name": "one", "arguments": {"x": 1}}}, {"id": "b", "function": {"name": "two", "arguments": {}}}]}),
        ),
        end("stop"),
    ]);
    assert_eq!(
        found,
        [call("a", "one", "{\"x\":1}"), call("b", "two", "{}")]
    );
}

#[test]
fn calls_that_share_an_index_are_separated() {
    let piece = |id: Value, arguments: &str| {
        let function = json!({"name": "one", "arguments": arguments});
        delta(json!({"tool_calls": [{"index": 0, "id": id, "function": function}]}))
    };
    let found = calls(&[
        piece(json!("a"), "{}"),
        piece(json!("b"), "{}"),
        end("stop"),
    ]);
    assert_eq!(found, [call("a", "one", "{}"), call("b", "one", "{}")]);
    // Without ids, a name after complete arguments starts another call.
    let found = calls(&[
        piece(Value::Null, "{\"a\":\"}{\"}"),
        piece(Value::Null, "{\"b\":1}"),
        end("stop"),
    ]);
    let arguments: Vec<_> = found
        .iter()
        .map(|(_, _, arguments)| arguments.as_str())
        .collect();
    assert_eq!(arguments, ["{\"a\":\"}{\"}", "{\"b\":1}"]);
    // If a server repeats the name with every piece, there is only one call.
    let found = calls(&[
        piece(Value::Null, "{\"a\":"),
        piece(Value::Null, "1}"),
        piece(Value::Null, ""),
        end("stop"),
    ]);
    assert_eq!(found[0].2, "{\"a\":1}");
    assert_eq!(found.len(), 1);
}

#[test]
fn repeated_ids_and_names_do_not_start_new_calls() {
    let part = |arguments: &str| {
        delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": arguments}}]}),
        )
    };
    let found = calls(&[part("{\"x\":"), part("2}"), end("tool_calls")]);
    assert_eq!(found, [call("a", "one", "{\"x\":2}")]);
}

#[test]
fn missing_and_duplicate_ids_become_unique() {
    let found = calls(&[
        delta(
            json!({"tool_calls": [{"index": 0, "function": {"name": "one", "arguments": "{}"}}, {"index": 1, "id": "", "function": {"name": "two"}}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 2, "id": "a", "function": {"name": "three"}}, {"index": 3, "id": "a", "function": {"name": "four"}}]}),
        ),
        end("tool_calls"),
    ]);
    let mut ids: Vec<_> = found.iter().map(|(id, _, _)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let names: Vec<_> = found.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "two", "three", "four"]);
}

#[test]
fn calls_and_their_arguments_are_bounded() {
    let many: Vec<Value> = (0..200)
        .map(|index| json!({"index": index, "function": {"name": "one", "arguments": "{}"}}))
        .collect();
    assert!(
        read(&[delta(json!({"tool_calls": many})), end("stop")])
            .1
            .is_err()
    );
    let piece = "x".repeat(1024);
    let piece = delta(
        json!({"tool_calls": [{"index": 0, "function": {"name": "one", "arguments": piece}}]}),
    );
    let pieces = vec![piece; 300];
    assert!(read(&pieces).1.is_err());
}

#[test]
fn halves_of_a_pair_are_joined_in_text_and_arguments() {
    let stream = concat!(
        r#"data: {"choices":[{"delta":{"content":"a\ud83d"}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"content":"\ude00b\ud83d"},"finish_reason":"stop"}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"n","arguments":"\ud83d"}}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ude00"}}]}}]}"#,
        "\n\n",
    );
    let (events, end) = decoded(OpenAiApi::ChatCompletions, stream.as_bytes());
    assert!(end.is_ok());
    let all: String = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::TextDelta(text) => Some(text.as_str()),
            ModelEvent::ToolCall(call) => Some(call.arguments.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(all, "a😀b\u{fffd}😀");
}
