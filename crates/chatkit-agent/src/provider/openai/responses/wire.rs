//! Responses on the wire (OpenAI API reference, "Responses"), read leniently.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::wire::object_text;
use crate::provider::{InputItem, ModelRequest, RequestedCall};

/// A request; always streamed, so that silence can be told from work, and never kept over there.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    pub(super) model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    instructions: String,
    input: Vec<Value>,
    stream: bool,
    store: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    /// Asks for summaries of what the model thinks; not every model takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
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
        let tools = tools.iter().map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": false,
            })
        });
        Self {
            model,
            instructions,
            input: input.into_iter().flat_map(items).collect(),
            stream: true,
            store: false,
            tools: tools.collect(),
            tool_choice: tool_choice.map(|name| json!({"type": "function", "name": name})),
            reasoning: Some(json!({"summary": "auto"})),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            // What stops an answer and what makes it repeatable, this API does not know.
            max_output_tokens: sampling.max_completion_tokens.or(sampling.max_tokens),
        }
    }
}

fn items(item: InputItem) -> Vec<Value> {
    match item {
        InputItem::User(text) => vec![json!({"role": "user", "content": text})],
        InputItem::Assistant(text) => vec![json!({"role": "assistant", "content": text})],
        // Not as the system: what it says may come from a user or a tool.
        InputItem::Note(text) => vec![json!({"role": "user", "content": text})],
        InputItem::ToolCalls(calls) => calls.into_iter().map(call).collect(),
        InputItem::ToolResult {
            call_id,
            tool_name: _,
            output,
        } => vec![json!({"type": "function_call_output", "call_id": call_id, "output": output})],
    }
}

fn call(call: RequestedCall) -> Value {
    json!({
        "type": "function_call",
        "call_id": call.call_id,
        "name": call.tool_name,
        "arguments": object_text(call.arguments),
    })
}

/// A step of an answer: of every kind only what is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) delta: Option<Value>,
    pub(super) item: Option<OutputItem>,
    pub(super) summary_index: Option<u64>,
    pub(super) response: Option<ResponseBody>,
    /// Of an event `error`, which has them itself or in an object.
    pub(super) error: Option<Value>,
    pub(super) code: Option<Value>,
}

/// The response so far, as some events hold it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResponseBody {
    pub(super) output: Option<Vec<OutputItem>>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<Value>,
    pub(super) incomplete_details: Option<IncompleteDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OutputItem {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) call_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IncompleteDetails {
    pub(super) reason: Option<String>,
}
