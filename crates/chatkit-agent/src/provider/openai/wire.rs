//! Chat completions on the wire, read leniently: servers that call themselves compatible leave
//! fields out, send null for them, or add their own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::provider::{InputItem, ModelRequest, RequestedCall, Sampling};

/// A request; always streamed, so that silence can be told from work.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    model: String,
    messages: Vec<Value>,
    stream: bool,
    stream_options: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(flatten)]
    sampling: Sampling,
}

impl From<ModelRequest> for Request {
    fn from(request: ModelRequest) -> Self {
        let ModelRequest {
            model,
            instructions,
            input,
            tools,
            tool_choice,
            sampling,
        } = request;
        let system =
            (!instructions.is_empty()).then(|| json!({"role": "system", "content": instructions}));
        let tools = tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            }})
        });
        Self {
            model,
            messages: system
                .into_iter()
                .chain(input.into_iter().map(message))
                .collect(),
            stream: true,
            stream_options: json!({"include_usage": true}),
            tools: tools.collect(),
            tool_choice: tool_choice
                .map(|name| json!({"type": "function", "function": {"name": name}})),
            sampling,
        }
    }
}

fn message(item: InputItem) -> Value {
    match item {
        InputItem::User(text) => json!({"role": "user", "content": text}),
        InputItem::Assistant(text) => json!({"role": "assistant", "content": text}),
        // Not as the system: what it says may come from a user or a tool.
        InputItem::Note(text) => json!({"role": "user", "content": text}),
        InputItem::ToolCalls(calls) => {
            let calls: Vec<Value> = calls.into_iter().map(call).collect();
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        }
        InputItem::ToolResult {
            call_id,
            tool_name: _,
            output,
        } => json!({"role": "tool", "tool_call_id": call_id, "content": output}),
    }
}

/// A call that was made.
fn call(call: RequestedCall) -> Value {
    json!({
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.tool_name, "arguments": object_text(call.arguments)},
    })
}

/// The arguments of a call that was made. Some servers parse them again: what is no object becomes
/// one.
pub(super) fn object_text(arguments: String) -> String {
    let is_object = serde_json::from_str::<Map<String, Value>>(&arguments).is_ok();
    if is_object {
        arguments
    } else {
        "{}".to_owned()
    }
}

/// A part of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) content: Option<Value>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<ToolCallDelta>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    /// Text, or an object from servers that do not stream arguments.
    pub(super) arguments: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) prompt_tokens: Option<u64>,
    pub(super) completion_tokens: Option<u64>,
}
