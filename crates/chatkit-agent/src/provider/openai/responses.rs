//! Reads answers of the Responses API (OpenAI API reference, "Responses"). Tolerates known
//! deviations.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    answer::{Broken, Ending, Part, Parts, Stage, garbage},
    attached::{Attached, Tag},
    calls::{CallPiece, Calls},
    refusal::Refusal,
    usage::usage,
};
use crate::provider::{FinishReason, ModelEvent, json as lenient};

/// Separates the parts of a summary.
const PART_SEPARATOR: &str = "\n\n";

/// An event of an answer, with the members that are read from any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Step {
    #[serde(rename = "type")]
    kind: Option<Value>,
    delta: Option<Value>,
    item: Option<Map<String, Value>>,
    summary_index: Option<Value>,
    response: Option<Value>,
    /// The error of an `error` event. Some servers put its members into the event itself.
    error: Option<Value>,
    code: Option<Value>,
    message: Option<Value>,
}

/// The state of an answer while it is read, without its text.
#[derive(Debug)]
pub(super) struct ResponseAnswer {
    tag: Tag,
    calls: Calls,
    attached: Attached,
    has_text: bool,
    /// The kind of event from which reasoning is shown. A server may send both a summary and the
    /// full reasoning.
    reasoning: Option<&'static str>,
    usage: Option<Value>,
    finish: Option<FinishReason>,
}

impl ResponseAnswer {
    pub(super) fn new(tag: Tag) -> Self {
        Self {
            tag,
            calls: Calls::default(),
            attached: Attached::default(),
            has_text: false,
            reasoning: None,
            usage: None,
            finish: None,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.finish {
            Some(_) => Stage::Settled,
            None => Stage::Open,
        }
    }

    /// Reads an event.
    pub(super) fn add(&mut self, name: &str, data: &[u8]) -> Result<Parts, Broken> {
        let step = lenient::parse::<Step>(data).map_err(|_| no_json())?;
        let mut parts = Vec::new();
        self.calls.has_halves |= step.has_halves;
        self.add_step(name, step.value, &mut parts)?;
        Ok(Parts {
            parts,
            has_halves: step.has_halves,
        })
    }

    /// Reads an answer that is a single object.
    pub(super) fn whole(&mut self, data: &[u8]) -> Result<Parts, Broken> {
        let whole = lenient::parse::<Value>(data).map_err(|_| no_json())?;
        let mut parts = Vec::new();
        self.calls.has_halves |= whole.has_halves;
        if !whole.value["output"].is_array() && whole.value["error"].is_null() {
            return Err(garbage("the answer has no output").into());
        }
        self.add_response(whole.value, &mut parts)?;
        Ok(Parts {
            parts,
            has_halves: whole.has_halves,
        })
    }

    fn add_step(&mut self, name: &str, step: Step, parts: &mut Vec<Part>) -> Result<(), Broken> {
        let is_error = step.error.as_ref().is_some_and(|error| !error.is_null());
        let own_kind = step
            .kind
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = match own_kind {
            "" if is_error => "error",
            "" => name,
            kind => kind,
        };
        let has_delta = step
            .delta
            .as_ref()
            .is_some_and(|delta| !delta.is_null() && delta.as_str() != Some(""));
        let text = match step.delta {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        match kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                self.has_text |= text.is_some();
                parts.extend(text.map(Part::Text));
            }
            "response.reasoning_summary_text.delta" => self.add_reasoning("summary", text, parts),
            "response.reasoning_text.delta" => self.add_reasoning("whole", text, parts),
            "response.reasoning_summary_part.added" => {
                let index = step.summary_index.and_then(|index| index.as_u64());
                if index.is_some_and(|index| index > 0) {
                    self.add_reasoning("summary", Some(PART_SEPARATOR.to_owned()), parts);
                }
            }
            "response.output_item.done" => {
                let item = step.item.unwrap_or_default();
                let is_message = item.get("type").is_some_and(|kind| kind == "message");
                if is_message && !self.has_text {
                    texts_of(&Value::Object(item.clone()), parts);
                    self.has_text = !parts.is_empty();
                }
                self.add_item(item)?;
                parts.push(Part::Working);
            }
            "response.failed" => {
                let response = step.response.unwrap_or_default();
                return Err(Refusal::in_stream(&response["error"]).into());
            }
            "response.completed" | "response.incomplete" | "response.done" => {
                self.add_response(step.response.unwrap_or_default(), parts)?;
            }
            "error" => {
                let error = step.error.filter(|error| !error.is_null());
                let own = json!({"code": step.code, "message": step.message});
                let error = error.unwrap_or(own);
                return Err(Refusal::in_stream(&error).into());
            }
            // These are pieces of arguments, events of later versions, or the work of a tool on the
            // server, such as `response.web_search_call.searching`.
            _ if has_delta || kind.ends_with("ing") => parts.push(Part::Working),
            _ => {}
        }
        Ok(())
    }

    fn add_reasoning(&mut self, kind: &'static str, text: Option<String>, parts: &mut Vec<Part>) {
        let is_shown = *self.reasoning.get_or_insert(kind) == kind;
        parts.extend(text.map(|text| {
            if is_shown {
                Part::Reasoning(text)
            } else {
                Part::Working
            }
        }));
    }

    fn add_item(&mut self, item: Map<String, Value>) -> Result<(), Broken> {
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => self.calls.add(CallPiece::of_response(item))?,
            // The server does not store the response, so only encrypted reasoning can be returned.
            Some("reasoning") if item.get("encrypted_content").is_some_and(Value::is_string) => {
                self.attached.add_item(Value::Object(item));
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the complete response from its last event.
    fn add_response(&mut self, mut response: Value, parts: &mut Vec<Part>) -> Result<(), Broken> {
        if !response["error"].is_null() || response["status"] == "failed" {
            return Err(Refusal::in_stream(&response["error"]).into());
        }
        self.usage = response.get_mut("usage").map(Value::take);
        self.finish = Some(match response["incomplete_details"]["reason"].as_str() {
            None => FinishReason::Stop,
            Some("content_filter") => FinishReason::ContentFilter,
            Some(_) => FinishReason::Length,
        });
        // Some servers send calls and text only here.
        let has_text = self.has_text;
        let has_reasoning = self.reasoning.is_some();
        let has_attached = !self.attached.is_empty();
        let Some(Value::Array(output)) = response.get_mut("output").map(Value::take) else {
            return Ok(());
        };
        for item in output {
            let is_reasoning = item["type"] == "reasoning";
            let is_shown = if is_reasoning {
                has_reasoning
            } else {
                has_text
            };
            if !is_shown {
                texts_of(&item, parts);
            }
            let is_known = if is_reasoning {
                has_attached
            } else {
                let id = item["call_id"].as_str().unwrap_or_default();
                self.calls.has(id)
            };
            if let (Value::Object(item), false) = (item, is_known) {
                self.add_item(item)?;
            }
        }
        Ok(())
    }

    /// Returns the calls, the usage, and the finish reason.
    pub(super) fn finish(&mut self) -> Ending {
        let calls = std::mem::take(&mut self.calls);
        let usage = self.usage.take().and_then(|value| usage(&value));
        let reason = self.finish.unwrap_or_default();
        let calls: Vec<ModelEvent> = calls.finish(&self.attached, &self.tag);
        (calls, usage, reason)
    }
}

/// Appends the texts of an output item.
fn texts_of(item: &Value, parts: &mut Vec<Part>) {
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        let text = |part: &Value| part["text"].as_str().map(str::to_owned);
        list.filter_map(|part| text(part).or_else(|| part["refusal"].as_str().map(str::to_owned)))
            .collect()
    };
    match item["type"].as_str() {
        Some("message") => parts.extend(texts(&item["content"]).into_iter().map(Part::Text)),
        Some("reasoning") => {
            let summary = texts(&item["summary"]);
            parts.extend(
                (!summary.is_empty()).then(|| Part::Reasoning(summary.join(PART_SEPARATOR))),
            );
        }
        _ => {}
    }
}

fn no_json() -> Broken {
    garbage("an event of the answer is not JSON of the expected form").into()
}

#[cfg(test)]
mod tests;
