//! Builds requests for responses (OpenAI API reference, "Responses").

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    adaptation::Adaptation,
    attached::Tag,
    history::{self, object_text},
};
use crate::provider::{InputItem, ModelRequest, RequestedCall, ToolChoice};

/// Returns the body of a request. Always requests a stream, because a silent connection must be
/// distinguishable from a working model. Asks the server not to store the response.
pub(super) fn body(
    request: &ModelRequest,
    applied: &BTreeSet<Adaptation>,
    tag: &Tag,
    cache_key: Option<&str>,
) -> Value {
    let has = |adaptation| applied.contains(&adaptation);
    let mut body = json!({
        "model": request.model,
        "input": input(request, applied, tag),
        "stream": true,
    });
    if !request.instructions.is_empty() {
        body["instructions"] = json!(request.instructions);
    }
    let mut set = |name: &'static str, value: Value| {
        if !has(Adaptation::Without(name)) {
            body[name] = value;
        }
    };
    set("store", json!(false));
    // Requests summaries of the reasoning, and the reasoning in a form that can be returned.
    set("reasoning", json!({"summary": "auto"}));
    set("include", json!(["reasoning.encrypted_content"]));
    if let Some(key) = cache_key {
        set("prompt_cache_key", json!(key));
    }
    if !request.tools.is_empty() && !has(Adaptation::NoTools) {
        match &request.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::None => set("tool_choice", json!("none")),
            ToolChoice::Tool(name) => {
                set("tool_choice", json!({"type": "function", "name": name}));
            }
        }
        body["tools"] = tools(request);
    }
    let sampling = &request.sampling;
    let length = sampling.max_completion_tokens.or(sampling.max_tokens);
    // `stop` and `seed` do not exist in this API.
    for (name, value) in [
        ("temperature", json!(sampling.temperature)),
        ("top_p", json!(sampling.top_p)),
        ("max_output_tokens", json!(length)),
    ] {
        if !value.is_null() {
            body[name] = value;
        }
    }
    body
}

fn tools(request: &ModelRequest) -> Value {
    let tools = request.tools.iter().map(|tool| {
        json!({
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": false,
        })
    });
    tools.collect()
}

fn input(request: &ModelRequest, applied: &BTreeSet<Adaptation>, tag: &Tag) -> Vec<Value> {
    let input = history::input(request, applied, tag);
    let tag = (!applied.contains(&Adaptation::NoAttachedData)).then_some(tag);
    let mut items = Vec::with_capacity(input.len());
    for item in input {
        add(item, tag, &mut items);
    }
    items
}

fn add(item: InputItem, tag: Option<&Tag>, items: &mut Vec<Value>) {
    match item {
        // Notes do not get the system role, because their text may come from a user or a tool.
        InputItem::User(text) | InputItem::Note(text) => {
            items.push(json!({"role": "user", "content": text}));
        }
        InputItem::Assistant { text, calls } => {
            // The order is the model's own: reasoning, text, calls.
            let data = calls.first().and_then(|call| call.provider_data.as_deref());
            if let Some(Value::Array(reasoning)) =
                tag.and_then(|tag| tag.read(data).message.remove("items"))
            {
                items.extend(reasoning);
            }
            if !text.trim().is_empty() {
                items.push(json!({"role": "assistant", "content": text}));
            }
            items.extend(calls.iter().map(call));
        }
        InputItem::ToolResult {
            call_id,
            tool_name: _,
            output,
        } => items.push(json!({
            "type": "function_call_output", "call_id": call_id, "output": output,
        })),
    }
}

fn call(call: &RequestedCall) -> Value {
    json!({
        "type": "function_call",
        "call_id": call.call_id,
        "name": call.tool_name,
        "arguments": object_text(&call.arguments),
    })
}
