//! Reads answers of chat completions (OpenAI API reference, "Chat"). Compatible servers may omit
//! members, send null for them, or add their own.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    answer::{Broken, Ending, Part, Parts, Stage, garbage},
    attached::{Attached, Tag, is_returned},
    calls::{CallPiece, Calls},
    refusal::Refusal,
    usage::usage,
};
use crate::provider::{FinishReason, ProviderError, json};

/// The members of a delta that contain visible reasoning. A server may send the same text under
/// several names, so only the first counts.
const REASONING: [&str; 4] = [
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking",
];

/// A part of an answer, or a complete one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
    // The members of an error that is not in a member `error` (vLLM, FastAPI).
    object: Option<Value>,
    message: Option<Value>,
    detail: Option<Value>,
    code: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    delta: Option<Map<String, Value>>,
    /// The member that replaces `delta` in unstreamed answers.
    message: Option<Map<String, Value>>,
    finish_reason: Option<Value>,
}

/// The state of an answer while it is read, without its text.
#[derive(Debug)]
pub(super) struct ChatAnswer {
    tag: Tag,
    calls: Calls,
    attached: Attached,
    usage: Option<Value>,
    finish: Option<FinishReason>,
    /// Whether the usage arrived with the finish reason or after it. Some servers also send one
    /// before.
    is_settled: bool,
    /// Whether the finish reason arrived together with output, or output followed it. More of them
    /// may follow.
    is_doubtful: bool,
    has_text: bool,
    /// The largest count of output tokens so far.
    output_tokens: u64,
}

impl ChatAnswer {
    pub(super) fn new(tag: Tag) -> Self {
        Self {
            tag,
            calls: Calls::default(),
            attached: Attached::default(),
            usage: None,
            finish: None,
            is_settled: false,
            is_doubtful: false,
            has_text: false,
            output_tokens: 0,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.finish {
            None => Stage::Open,
            Some(_) if self.is_doubtful => Stage::Doubtful,
            Some(_) if self.is_settled => Stage::Settled,
            Some(_) => Stage::Finished,
        }
    }

    /// Reads an event.
    pub(super) fn add(&mut self, name: &str, data: &[u8]) -> Result<Parts, Broken> {
        if name == "error" {
            let error = json::parse::<Value>(data).map(|parsed| parsed.value);
            return Err(Refusal::in_stream(&error.unwrap_or_default()).into());
        }
        match json::parse::<Chunk>(data) {
            Ok(parsed) => self.add_chunk(parsed.value, parsed.has_halves),
            // Some servers omit the empty line between two events.
            Err(_) if data.contains(&b'\n') => {
                let mut all = Parts::default();
                for line in data.split(|byte| *byte == b'\n') {
                    let chunk = json::parse::<Chunk>(line).map_err(|_| no_json())?;
                    let parts = self.add_chunk(chunk.value, chunk.has_halves)?;
                    all.has_halves |= parts.has_halves;
                    all.parts.extend(parts.parts);
                }
                Ok(all)
            }
            Err(_) => Err(no_json()),
        }
    }

    /// Reads an answer that is a single object, or a list with an error (Gemini).
    pub(super) fn whole(&mut self, data: &[u8]) -> Result<Parts, Broken> {
        let whole = json::parse::<Value>(data).map_err(|_| no_json())?;
        let value = match whole.value {
            Value::Array(list) => list.into_iter().next().unwrap_or_default(),
            value => value,
        };
        let chunk: Chunk = serde_json::from_value(value).map_err(|_| no_json())?;
        if chunk.choices.as_ref().is_none_or(Vec::is_empty) && chunk.error.is_none() {
            return Err(garbage("the answer has no choices").into());
        }
        let parts = self.add_chunk(chunk, whole.has_halves)?;
        self.finish.get_or_insert_default();
        Ok(parts)
    }

    fn add_chunk(&mut self, chunk: Chunk, has_halves: bool) -> Result<Parts, Broken> {
        if let Some(error) = error_of(&chunk) {
            return Err(Refusal::in_stream(&error).into());
        }
        self.calls.has_halves |= has_halves;
        let usage = chunk.usage.filter(|usage| !usage.is_null());
        let has_usage = usage.is_some();
        let output_tokens = usage
            .as_ref()
            .and_then(|usage| usage["completion_tokens"].as_u64());
        let is_growing = output_tokens.is_some_and(|tokens| tokens > self.output_tokens);
        self.output_tokens = output_tokens.unwrap_or_default().max(self.output_tokens);
        self.usage = usage.or_else(|| self.usage.take());
        let mut parts = Vec::new();
        for choice in chunk.choices.unwrap_or_default().into_iter().take(1) {
            // A complete message after its deltas repeats them.
            let message = choice.message.filter(|_| !self.has_text);
            if let Some(delta) = choice.delta.or(message) {
                self.add_delta(delta, &mut parts)?;
            }
            let has_output = !parts.is_empty();
            self.has_text |= parts.iter().any(|part| matches!(part, Part::Text(_)));
            self.is_doubtful |= has_output && self.finish.is_some();
            if let Some(Value::String(reason)) = choice.finish_reason {
                self.finish = finish_of(&reason)?.or(self.finish);
                self.is_doubtful |= has_output && self.finish.is_some();
            }
        }
        self.is_settled |= has_usage && self.finish.is_some();
        if is_growing && parts.is_empty() && self.finish.is_none() {
            parts.push(Part::Working);
        }
        Ok(Parts { parts, has_halves })
    }

    fn add_delta(
        &mut self,
        mut delta: Map<String, Value>,
        parts: &mut Vec<Part>,
    ) -> Result<(), ProviderError> {
        let content = delta.remove("content").unwrap_or_default();
        let refusal = delta.remove("refusal");
        let calls = delta.remove("tool_calls");
        delta.remove("role");
        if let Some(text) = reasoning_of(&delta) {
            parts.push(Part::Reasoning(text));
        }
        content_of(content, parts);
        if let (Some(Value::String(text)), true) = (refusal, parts.is_empty()) {
            parts.push(Part::Text(text));
        }
        if let Some(Value::Array(pieces)) = calls {
            for piece in pieces {
                self.calls.add(CallPiece::of_chat(piece))?;
                parts.push(Part::Working);
            }
        }
        // Unknown kinds of output still show that the model is active.
        if delta.values().any(is_non_empty) {
            parts.push(Part::Working);
        }
        delta.retain(|name, _| is_returned(name));
        self.attached.add(delta);
        Ok(())
    }

    /// Returns the calls, the usage, and the finish reason.
    pub(super) fn finish(&mut self) -> Ending {
        let calls = std::mem::take(&mut self.calls);
        let usage = self.usage.take().and_then(|value| usage(&value));
        let reason = self.finish.unwrap_or_default();
        (calls.finish(&self.attached, &self.tag), usage, reason)
    }
}

/// Returns the error in a chunk, in any of its forms. An empty error beside output is ignored.
fn error_of(chunk: &Chunk) -> Option<Value> {
    let has_choices = chunk.choices.is_some();
    let own = chunk.error.as_ref().filter(|error| !error.is_null());
    if let Some(error) = own.filter(|error| !has_choices || is_non_empty(error)) {
        return Some(error.clone());
    }
    let is_error = chunk
        .object
        .as_ref()
        .is_some_and(|object| object == "error");
    let says_why = chunk.detail.is_some() || chunk.message.is_some() && chunk.code.is_some();
    (!has_choices && (is_error || says_why)).then(|| {
        serde_json::json!({
            "message": chunk.message, "detail": chunk.detail, "code": chunk.code,
        })
    })
}

fn no_json() -> Broken {
    garbage("an event of the answer is not JSON of the expected form").into()
}

/// Converts a finish reason. Returns `None` for a blank reason.
///
/// # Errors
/// [`ProviderError`] if the reason is a failure.
fn finish_of(reason: &str) -> Result<Option<FinishReason>, ProviderError> {
    Ok(Some(match reason.to_ascii_lowercase().as_str() {
        "" | "null" | "none" => return Ok(None),
        reason if reason.starts_with("content_filter") => FinishReason::ContentFilter,
        "length" | "max_tokens" | "model_length" | "max_output_tokens" => FinishReason::Length,
        "safety" | "recitation" | "prohibited_content" | "blocklist" | "sensitive" | "spii" => {
            FinishReason::ContentFilter
        }
        // OpenRouter, vLLM and Gemini send these.
        "error" | "abort" | "malformed_function_call" => {
            return Err(garbage("the server ended the answer with an error"));
        }
        // DeepSeek sends this.
        "insufficient_system_resource" => {
            return Err(ProviderError::Overloaded { retry_after: None });
        }
        _ => FinishReason::Stop,
    }))
}

/// Returns the visible reasoning in a delta.
fn reasoning_of(delta: &Map<String, Value>) -> Option<String> {
    let mut named = REASONING
        .iter()
        .filter_map(|name| delta.get(*name)?.as_str());
    if let Some(text) = named.find(|text| !text.is_empty()) {
        return Some(text.to_owned());
    }
    // OpenRouter sends this.
    let details = delta.get("reasoning_details")?.as_array()?;
    let text = |detail: &Value| {
        let text = detail["text"].as_str();
        let text = text.or_else(|| detail["summary"].as_str());
        text.unwrap_or_default().to_owned()
    };
    let text: String = details.iter().map(text).collect();
    (!text.is_empty()).then_some(text)
}

/// Appends the parts of a content, which is text or a list of text and reasoning parts (Mistral).
fn content_of(content: Value, parts: &mut Vec<Part>) {
    match content {
        Value::String(text) if !text.is_empty() => parts.push(Part::Text(text)),
        Value::Array(list) => {
            for part in list {
                if let Some(text) = part["text"].as_str() {
                    parts.push(Part::Text(text.to_owned()));
                }
                let thoughts = part["thinking"].as_array().into_iter().flatten();
                let thoughts = thoughts.filter_map(|thought| thought["text"].as_str());
                parts.extend(thoughts.map(|text| Part::Reasoning(text.to_owned())));
            }
        }
        _ => {}
    }
}

fn is_non_empty(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests;
