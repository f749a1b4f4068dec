use serde_json::json;

use super::*;

async fn read_all(steps: &[Value]) -> Vec<Result<ModelEvent, ProviderError>> {
    let steps: Vec<Result<Event, OpenAIError>> = steps
        .iter()
        .map(|step| Ok(serde_json::from_value(step.clone()).unwrap()))
        .collect();
    events(stream::iter(steps)).collect().await
}

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

#[tokio::test]
async fn text_reasoning_usage_and_end() {
    let part = |index: u64| json!({"type": "response.reasoning_summary_part.added", "summary_index": index});
    let thought =
        |text: &str| json!({"type": "response.reasoning_summary_text.delta", "delta": text});
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    let events = read_all(&[
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
        json!({"type": "response.output_text.delta", "delta": "behind the end"}),
    ])
    .await;
    let events: Vec<_> = events.into_iter().map(Result::unwrap).collect();
    let thought = |text: &str| ModelEvent::ReasoningDelta(text.to_owned());
    assert_eq!(
        events,
        [
            thought("First"),
            thought("\n\n"),
            thought("then"),
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
async fn calls_come_at_the_end_and_once() {
    let item =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "t", "arguments": "{}"});
    let done = |id: &str| json!({"type": "response.output_item.done", "item": item(id)});
    let told = [
        json!({"type": "response.function_call_arguments.delta", "delta": "{}"}),
        done("a"),
        json!({"type": "response.output_item.done", "item": {"type": "message"}}),
        done("b"),
        completed(json!({"output": [item("a"), item("b")]})),
    ];
    let shown = [completed(json!({"output": [item("a"), item("b")]}))];
    for steps in [told.as_slice(), shown.as_slice()] {
        let events = read_all(steps).await;
        let ids: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event.unwrap() {
                ModelEvent::ToolCall(call) => Some(call.call_id),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["a", "b"]);
    }
}

#[tokio::test]
async fn an_answer_can_end_early() {
    for (reason, expected) in [
        ("max_output_tokens", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
    ] {
        let details = json!({"incomplete_details": {"reason": reason}});
        let step = json!({"type": "response.incomplete", "response": details});
        let events = read_all(&[step]).await;
        assert!(matches!(events[..], [Ok(ModelEvent::Finished(found))] if found == expected));
    }
}

#[tokio::test]
async fn what_breaks_off_is_told_apart() {
    let failed = |code: &str| {
        let error = json!({"code": code, "message": "m"});
        json!({"type": "response.failed", "response": {"error": error}})
    };
    let met = async |step: Value| read_all(&[step]).await.pop().unwrap().unwrap_err();
    let long = met(failed("context_length_exceeded")).await;
    assert!(matches!(long, ProviderError::ContextTooLong));
    let busy = met(failed("rate_limit_exceeded")).await;
    assert!(matches!(busy, ProviderError::Overloaded { .. }));
    for step in [
        failed("server_error"),
        json!({"type": "error", "code": "x", "message": "m"}),
        json!({"type": "error", "error": {"code": "x", "message": "m"}}),
        json!({"type": "response.failed"}),
        json!({"type": "response.output_text.done", "text": "and no end"}),
    ] {
        assert!(matches!(met(step).await, ProviderError::Failed(_)));
    }
}
