//! Builds requests for chat completions (OpenAI API reference, "Chat").

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    adaptation::Adaptation,
    attached::Tag,
    history::{input, object_text},
};
use crate::provider::{InputItem, ModelRequest, RequestedCall, ToolChoice};

/// A placeholder for the answer between a tool result and the next user message, because some
/// servers require one.
const NO_ANSWER: &str = "(No answer was given.)";

/// Returns the body of a request. Always requests a stream, because a silent connection must be
/// distinguishable from a working model.
pub(super) fn body(
    request: &ModelRequest,
    applied: &BTreeSet<Adaptation>,
    tag: &Tag,
    cache_key: Option<&str>,
) -> Value {
    let has = |adaptation| applied.contains(&adaptation);
    let mut body = json!({
        "model": request.model,
        "messages": messages(request, applied, tag),
        "stream": true,
    });
    let mut set = |name: &'static str, value: Value| {
        if !has(Adaptation::Without(name)) {
            body[name] = value;
        }
    };
    set("stream_options", json!({"include_usage": true}));
    if let Some(key) = cache_key {
        set("prompt_cache_key", json!(key));
    }
    if !request.tools.is_empty() && !has(Adaptation::NoTools) {
        match &request.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::None => set("tool_choice", json!("none")),
            ToolChoice::Tool(name) => set(
                "tool_choice",
                json!({"type": "function", "function": {"name": name}}),
            ),
        }
        body["tools"] = tools(request);
    }
    if let Ok(Value::Object(sampling)) = serde_json::to_value(&request.sampling) {
        for (name, value) in sampling {
            body[name] = value;
        }
    }
    body
}

fn tools(request: &ModelRequest) -> Value {
    let tools = request.tools.iter().map(|tool| {
        json!({"type": "function", "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        }})
    });
    tools.collect()
}

fn messages(request: &ModelRequest, applied: &BTreeSet<Adaptation>, tag: &Tag) -> Vec<Value> {
    let has = |adaptation| applied.contains(&adaptation);
    let input = input(request, applied, tag);
    let instructions = request.instructions.as_str();
    let mut messages = Vec::with_capacity(input.len() + 1);
    if !instructions.is_empty() {
        let role = if has(Adaptation::NoSystemRole) {
            "user"
        } else {
            "system"
        };
        messages.push(json!({"role": role, "content": instructions}));
    }
    let empty = if has(Adaptation::EmptyContent) {
        json!("")
    } else {
        Value::Null
    };
    let sends_back = !has(Adaptation::NoAttachedData);
    for item in input {
        messages.extend(message(item, &empty, sends_back.then_some(tag)));
    }
    // A server without a system role gets the instructions as a part of the first message.
    if has(Adaptation::AlternateRoles) || has(Adaptation::NoSystemRole) {
        messages = alternating(messages);
    }
    messages
}

fn message(item: InputItem, empty: &Value, tag: Option<&Tag>) -> Option<Value> {
    Some(match item {
        // Notes do not get the system role, because their text may come from a user or a tool.
        InputItem::User(text) | InputItem::Note(text) => json!({"role": "user", "content": text}),
        InputItem::Assistant { text, calls } => {
            let is_blank = text.trim().is_empty();
            if calls.is_empty() {
                return (!is_blank).then(|| json!({"role": "assistant", "content": text}));
            }
            let content = if is_blank { empty.clone() } else { json!(text) };
            with_calls(
                json!({"role": "assistant", "content": content}),
                &calls,
                tag,
            )
        }
        InputItem::ToolResult {
            call_id,
            tool_name: _,
            output,
        } => json!({"role": "tool", "tool_call_id": call_id, "content": output}),
    })
}

/// Adds the calls to a message, with the data that the server attached to them.
fn with_calls(mut message: Value, calls: &[RequestedCall], tag: Option<&Tag>) -> Value {
    let mut list = Vec::with_capacity(calls.len());
    for call in calls {
        let arguments = object_text(&call.arguments);
        let function = json!({"name": call.tool_name, "arguments": arguments});
        let mut entry = json!({"id": call.call_id, "type": "function", "function": function});
        if let Some(tag) = tag {
            let data = tag.read(call.provider_data.as_deref());
            extend(&mut message, data.message);
            extend(&mut entry, data.call);
        }
        list.push(entry);
    }
    message["tool_calls"] = Value::Array(list);
    message
}

fn extend(value: &mut Value, members: Map<String, Value>) {
    for (name, member) in members {
        value[name] = member;
    }
}

/// Joins adjacent messages of the same role, so that `user` and `assistant` alternate.
fn alternating(messages: Vec<Value>) -> Vec<Value> {
    let mut joined: Vec<Value> = Vec::with_capacity(messages.len());
    for message in messages {
        let last = joined.last_mut();
        match last {
            Some(last) if last["role"] == message["role"] && can_join(last) => join(last, message),
            Some(last) if last["role"] == "tool" && message["role"] == "user" => {
                joined.push(json!({"role": "assistant", "content": NO_ANSWER}));
                joined.push(message);
            }
            _ => joined.push(message),
        }
    }
    joined
}

/// Whether a message of the same role can be joined to this one. A message with tool calls cannot,
/// because their results must follow.
fn can_join(message: &Value) -> bool {
    let role = message["role"].as_str().unwrap_or_default();
    matches!(role, "user" | "assistant") && message.get("tool_calls").is_none()
}

fn join(last: &mut Value, message: Value) {
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let texts = [text(last), text(&message)];
    let texts: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let content = texts.join("\n\n");
    if let Value::Object(members) = message {
        extend(last, members);
    }
    last["content"] = json!(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn assistant(text: &str) -> Value {
        json!({"role": "assistant", "content": text})
    }

    #[test]
    fn neighbors_of_one_role_are_joined() {
        let calls = json!({"role": "assistant", "content": null, "tool_calls": [1]});
        let tool = json!({"role": "tool", "tool_call_id": "a", "content": "1"});
        let messages = vec![
            json!({"role": "system", "content": "s"}),
            user("a"),
            user("b"),
            assistant("c"),
            calls.clone(),
            tool.clone(),
            tool.clone(),
            user("d"),
        ];
        let joined_calls = json!({"role": "assistant", "content": "c", "tool_calls": [1]});
        assert_eq!(
            alternating(messages),
            [
                json!({"role": "system", "content": "s"}),
                user("a\n\nb"),
                joined_calls,
                tool.clone(),
                tool,
                assistant(NO_ANSWER),
                user("d"),
            ]
        );
    }
}
