//! Data that servers attach to messages and tool calls and expect back with them, such as
//! `reasoning_content` (DeepSeek) or `extra_content` with a thought signature (Gemini).
//!
//! The data is only sent to the API and the model from which it came.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wording;
use crate::provider::json::Halves;

/// The maximum size of the data of one message or call, in bytes. Larger data is dropped
/// completely, because servers would refuse a part.
const MAX_BYTES: usize = 256 * 1024;

/// The data attached to one message or call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attached {
    members: Map<String, Value>,
    bytes: usize,
}

impl Attached {
    /// Adds the returnable members of another piece of the message. Appends strings and lists.
    pub(super) fn add(&mut self, piece: Map<String, Value>) {
        for (name, value) in piece {
            if is_returned(&name) && !value.is_null() && self.bytes <= MAX_BYTES {
                self.bytes += name.len() + size(&value);
                merge(self.members.entry(name).or_insert(Value::Null), value);
            }
        }
    }

    /// Adds an item that is returned unchanged.
    pub(super) fn add_item(&mut self, item: Value) {
        self.bytes += size(&item);
        if self.bytes <= MAX_BYTES {
            let items = self.members.entry("items").or_insert(Value::Null);
            merge(items, Value::Array(vec![item]));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() || self.bytes > MAX_BYTES
    }
}

/// Whether a member with this name is returned to the server.
pub(super) fn is_returned(name: &str) -> bool {
    wording::RETURNED.iter().any(|part| name.contains(part))
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        // Other values are rare and small.
        other => other.to_string().len(),
    }
}

/// Merges a later piece into a value.
fn merge(value: &mut Value, piece: Value) {
    match (value, piece) {
        (Value::String(text), Value::String(more)) => text.push_str(&more),
        (Value::Array(list), Value::Array(more)) => {
            for element in more {
                match list.last_mut().filter(|last| continues(last, &element)) {
                    Some(last) => merge(last, element),
                    None => list.push(element),
                }
            }
        }
        (Value::Object(members), Value::Object(more)) => {
            for (name, more) in more {
                match members.get_mut(&name) {
                    // Every piece repeats these identifying members unchanged.
                    Some(_) if matches!(name.as_str(), "type" | "id" | "format" | "index") => {}
                    Some(member) => merge(member, more),
                    None => {
                        members.insert(name, more);
                    }
                }
            }
        }
        (_, Value::Null) => {}
        (value, piece) => *value = piece,
    }
}

/// Whether an element of a list continues the last one, because both have the same index and type.
fn continues(last: &Value, element: &Value) -> bool {
    let named = |name: &str| last.get(name) == element.get(name);
    element.get("index").is_some() && named("index") && named("type")
}

/// Joins the halves of surrogate pairs in all texts of a value.
fn join_halves(value: &mut Value) {
    match value {
        Value::String(text) => *text = Halves::join_whole(std::mem::take(text)),
        Value::Array(list) => list.iter_mut().for_each(join_halves),
        Value::Object(members) => members.values_mut().for_each(join_halves),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The API and the model to which data belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) api: &'static str,
    pub(super) model: String,
}

/// The data of one call in its stored form.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Data {
    api: String,
    model: String,
    /// The data of the message, which is stored with the first of its calls.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) message: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) call: Map<String, Value>,
}

impl Data {
    pub(super) fn is_empty(&self) -> bool {
        self.message.is_empty() && self.call.is_empty()
    }
}

impl Tag {
    /// Returns the stored form of the data of a call. The first call also has the data of its
    /// message. Returns `None` if there is no data.
    pub(super) fn data(
        &self,
        message: Option<&Attached>,
        call: &Attached,
        has_halves: bool,
    ) -> Option<String> {
        let members = |attached: &Attached| {
            let mut members = attached.members.clone();
            if attached.is_empty() {
                members.clear();
            } else if has_halves {
                members.values_mut().for_each(join_halves);
            }
            members
        };
        let message = message.map(members).unwrap_or_default();
        let call = members(call);
        if message.is_empty() && call.is_empty() {
            return None;
        }
        serde_json::to_string(&Data {
            api: self.api.to_owned(),
            model: self.model.clone(),
            message,
            call,
        })
        .ok()
    }

    /// Reads the stored data if it belongs to this API and model.
    pub(super) fn read(&self, data: Option<&str>) -> Data {
        data.and_then(|data| serde_json::from_str::<Data>(data).ok())
            .filter(|data| data.api == self.api && data.model == self.model)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn pieces_are_merged_and_returned_only_to_their_origin() {
        let mut message = Attached::default();
        for piece in [
            json!({"reasoning_content": "I ", "role": "assistant", "matched_stop": 7}),
            json!({"reasoning_content": "think", "reasoning_details": null}),
            json!({"reasoning_details": [{"type": "text", "index": 0, "text": "a"}]}),
            json!({"reasoning_details": [{"type": "text", "index": 0, "text": "b", "signature": "s"}]}),
            json!({"reasoning_details": [{"type": "text", "index": 1, "text": "c"}]}),
        ] {
            message.add(map(piece));
        }
        let mut call = Attached::default();
        call.add(map(
            json!({"type": "function", "extra_content": {"google": {"x": 1.0}}}),
        ));
        let tag = |model: &str| Tag {
            api: "chat",
            model: model.to_owned(),
        };
        let data = tag("m").data(Some(&message), &call, false).unwrap();
        let read = tag("m").read(Some(&data));
        let details = json!([
            {"type": "text", "index": 0, "text": "ab", "signature": "s"},
            {"type": "text", "index": 1, "text": "c"},
        ]);
        let expected = json!({"reasoning_content": "I think", "reasoning_details": details});
        assert_eq!(Value::Object(read.message), expected);
        assert_eq!(
            Value::Object(read.call),
            json!({"extra_content": {"google": {"x": 1.0}}})
        );
        assert!(tag("other").read(Some(&data)).message.is_empty());
        assert_eq!(tag("m").data(None, &Attached::default(), false), None);
    }

    #[test]
    fn too_much_data_is_dropped_completely() {
        let mut message = Attached::default();
        for _ in 0..300 {
            message.add(map(json!({"reasoning": "x".repeat(1024)})));
        }
        let tag = Tag {
            api: "chat",
            model: String::new(),
        };
        assert_eq!(tag.data(Some(&message), &Attached::default(), false), None);
    }
}
