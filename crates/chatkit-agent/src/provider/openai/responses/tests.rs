use serde_json::{Value, json};

use crate::provider::{
    FinishReason, ModelEvent, ProviderError, Sampling,
    openai::{OpenAiApi, answer::Broken, decoded},
};

fn read(steps: &[Value]) -> (Vec<ModelEvent>, Result<(), Broken>) {
    let stream: String = steps
        .iter()
        .map(|step| format!("data: {step}\n\n"))
        .collect();
    decoded(OpenAiApi::Responses, stream.as_bytes())
}

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

#[test]
fn a_simple_answer_is_decoded() {
    let part = |index: u64| json!({"type": "response.reasoning_summary_part.added", "summary_index": index});
    let thought =
        |text: &str| json!({"type": "response.reasoning_summary_text.delta", "delta": text});
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    let (events, end) = read(&[
        json!({"type": "response.created", "response": {"output": [], "usage": null}}),
        part(0),
        thought("First"),
        part(1),
        thought("then"),
        json!({"type": "response.output_text.delta", "delta": "Hel"}),
        json!({"type": "response.output_text.delta", "delta": "lo"}),
        json!({"type": "response.of_tomorrow", "delta": {"x": 1}}),
        json!({"type": "response.output_text.done", "text": "Hello"}),
        completed(json!({"usage": usage, "incomplete_details": null})),
    ]);
    assert!(end.is_ok());
    let thought = |text: &str| ModelEvent::ReasoningDelta(text.to_owned());
    assert_eq!(
        events,
        [
            thought("First"),
            thought("\n\n"),
            thought("then"),
            ModelEvent::TextDelta("Hel".to_owned()),
            ModelEvent::TextDelta("lo".to_owned()),
            ModelEvent::Working,
            ModelEvent::Usage(chatkit_domain::Usage {
                input_tokens: 3,
                output_tokens: 2,
                cached_tokens: None,
                estimated: false
            }),
            ModelEvent::Finished(FinishReason::Stop),
        ]
    );
}

#[test]
fn calls_come_at_the_end_and_once() {
    let item =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "t", "arguments": "{}"});
    let done = |id: &str| json!({"type": "response.output_item.done", "item": item(id)});
    let streamed = [
        json!({"type": "response.function_call_arguments.delta", "delta": "{}"}),
        done("a"),
        json!({"type": "response.output_item.done", "item": {"type": "message"}}),
        done("b"),
        completed(json!({"output": [item("a"), item("b")]})),
    ];
    let shown = [completed(json!({"output": [item("a"), item("b")]}))];
    for steps in [streamed.as_slice(), shown.as_slice()] {
        let (events, _) = read(steps);
        let ids: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event {
                ModelEvent::ToolCall(call) => Some(call.call_id),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["a", "b"]);
    }
}

#[test]
fn an_answer_can_end_early() {
    for (reason, expected) in [
        ("max_output_tokens", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
    ] {
        let details = json!({"incomplete_details": {"reason": reason}});
        let step = json!({"type": "response.incomplete", "response": details});
        assert_eq!(read(&[step]).0, [ModelEvent::Finished(expected)]);
    }
}

#[test]
fn text_that_only_the_last_event_contains_is_read() {
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "Hello"}]});
    let whole = json!({"object": "response", "status": "completed", "output": [message]});
    let text = ModelEvent::TextDelta("Hello".to_owned());
    let finished = ModelEvent::Finished(FinishReason::Stop);
    let (events, _) = read(&[completed(whole.clone())]);
    assert_eq!(events, [text.clone(), finished.clone()]);
    let (events, _) = decoded(OpenAiApi::Responses, whole.to_string().as_bytes());
    assert_eq!(events, [text, finished]);
}

#[test]
fn streamed_output_is_not_read_again_at_the_end() {
    let reasoning = json!({
        "type": "reasoning", "summary": [{"type": "summary_text", "text": "I look."}],
        "encrypted_content": "gAAA",
    });
    let call = json!({"type": "function_call", "call_id": "a", "name": "t", "arguments": "{}"});
    let done = |item: &Value| json!({"type": "response.output_item.done", "item": item});
    let (events, _) = read(&[
        json!({"type": "response.reasoning_summary_text.delta", "delta": "I look."}),
        done(&reasoning),
        done(&call),
        completed(json!({"output": [reasoning, call]})),
    ]);
    let shown = events
        .iter()
        .filter(|event| matches!(event, ModelEvent::ReasoningDelta(_)))
        .count();
    assert_eq!(shown, 1);
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::ToolCall(call) => call.provider_data.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].matches("gAAA").count(), 1);
}

#[test]
fn arguments_and_full_reasoning_count_as_activity() {
    let step = |kind: &str| json!({"type": kind, "delta": "x"});
    let (events, _) = read(&[
        step("response.function_call_arguments.delta"),
        step("response.reasoning_text.delta"),
        step("response.reasoning_summary_text.delta"),
    ]);
    let reasoning = ModelEvent::ReasoningDelta("x".to_owned());
    assert_eq!(
        events,
        [ModelEvent::Working, reasoning, ModelEvent::Working]
    );
}

#[test]
fn each_failure_maps_to_its_error() {
    let failed = |code: &str| {
        let error = json!({"code": code, "message": "m"});
        json!({"type": "response.failed", "response": {"error": error}})
    };
    let met = |step: Value| match read(&[step]).1.unwrap_err() {
        Broken::Refused(refusal) => refusal.into_error(&Sampling::default(), None, None),
        Broken::Failed(error) => error,
    };
    let long = met(failed("context_length_exceeded"));
    assert!(matches!(long, ProviderError::ContextTooLong));
    let busy = met(failed("rate_limit_exceeded"));
    assert!(matches!(busy, ProviderError::Overloaded { .. }));
    for step in [
        failed("server_error"),
        json!({"type": "error", "code": "x", "message": "m"}),
        json!({"type": "error", "error": {"code": "x", "message": "m"}}),
        json!({"type": "response.failed"}),
        json!({"type": "response.failed", "response": {"status": "failed", "error": null}}),
        json!({"type": "response.output_text.done", "text": "and no end"}),
    ] {
        assert!(
            matches!(met(step.clone()), ProviderError::Failed(_)),
            "{step}"
        );
    }
}
