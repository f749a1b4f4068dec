//! Assembles the tool calls of an answer from the pieces that servers send.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    answer::garbage,
    attached::{Attached, Tag},
};
use crate::provider::{ModelEvent, ProviderError, RequestedCall, json::Halves};

/// The maximum size of a call's arguments, in bytes.
const MAX_ARGUMENT_BYTES: usize = 256 * 1024;

/// The maximum number of calls in an answer. The agent carries out fewer, but an answer with more
/// is invalid.
const MAX_CALLS: usize = 128;

/// The maximum size of the arguments of all calls of an answer, in bytes.
const MAX_ALL_ARGUMENT_BYTES: usize = 1024 * 1024;

/// The maximum length of a call's id, in bytes.
const MAX_ID_BYTES: usize = 1024;

/// The maximum length of a tool's name, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// The calls of an answer, in order.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<PartialCall>,
    argument_bytes: usize,
    /// Whether the texts may contain halves of surrogate pairs.
    pub(super) has_halves: bool,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// Detects when the arguments are a complete JSON object.
    object: ObjectScanner,
    attached: Attached,
}

/// The call to which a piece belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Open(usize),
    New,
    /// The piece is empty or repeats a call.
    Nowhere,
}

impl PartialCall {
    fn add(&mut self, piece: CallPiece) -> Result<(), ProviderError> {
        if self.arguments == "{}" && piece.arguments.starts_with('{') {
            // The first arguments were a placeholder.
            self.arguments.clear();
            self.object = ObjectScanner::default();
        }
        if self.arguments.len() + piece.arguments.len() > MAX_ARGUMENT_BYTES {
            return Err(garbage(
                "the arguments of a tool call are larger than 256 KiB",
            ));
        }
        if self.id.is_empty() {
            self.id = piece.id;
        }
        if self.name.is_empty() {
            self.name = piece.name;
        } else if self.arguments.is_empty() && self.is_named_otherwise(&piece.name) {
            // The name arrives in pieces.
            self.name.push_str(&piece.name);
            if self.name.len() > MAX_NAME_BYTES {
                return Err(garbage("the name of a tool call is too long"));
            }
        }
        self.object.read(&piece.arguments);
        self.arguments.push_str(&piece.arguments);
        self.attached.add(piece.attached);
        Ok(())
    }

    fn is_named_otherwise(&self, name: &str) -> bool {
        !name.is_empty() && !self.name.is_empty() && self.name != name
    }
}

/// A piece of a call.
#[derive(Debug, Default)]
pub(super) struct CallPiece {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    attached: Map<String, Value>,
}

impl CallPiece {
    /// Reads a piece in the form of chat completions.
    pub(super) fn of_chat(piece: Value) -> Self {
        let Value::Object(mut piece) = piece else {
            return Self::default();
        };
        let mut function = match piece.remove("function") {
            Some(Value::Object(function)) => function,
            _ => Map::new(),
        };
        let index = piece.remove("index").and_then(|index| index.as_u64());
        Self {
            index,
            id: text(piece.remove("id")),
            name: text(function.remove("name")),
            arguments: text(function.remove("arguments")),
            attached: piece,
        }
    }

    /// Reads a complete call in the form of the Responses API.
    pub(super) fn of_response(mut item: Map<String, Value>) -> Self {
        Self {
            index: None,
            id: text(item.remove("call_id")),
            name: text(item.remove("name")),
            arguments: text(item.remove("arguments")),
            attached: Map::new(),
        }
    }
}

/// Returns the text of a value. Servers that do not stream arguments send an object.
fn text(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

impl Calls {
    /// Whether there is a call with this id. For an empty id, returns whether there is any call.
    pub(super) fn has(&self, id: &str) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|call| call.id == id || id.is_empty())
    }

    /// Adds a piece to the call to which it belongs.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] if the answer exceeds a limit of calls.
    pub(super) fn add(&mut self, piece: CallPiece) -> Result<(), ProviderError> {
        if piece.id.len() > MAX_ID_BYTES || piece.name.len() > MAX_NAME_BYTES {
            return Err(garbage("the id or the name of a tool call is too long"));
        }
        self.argument_bytes += piece.arguments.len();
        if self.argument_bytes > MAX_ALL_ARGUMENT_BYTES {
            return Err(garbage(
                "the arguments of all tool calls are larger than 1 MiB",
            ));
        }
        let position = match self.place_of(&piece) {
            Place::Nowhere => return Ok(()),
            Place::Open(position) => position,
            Place::New if self.calls.len() == MAX_CALLS => {
                return Err(garbage("the answer has more than 128 tool calls"));
            }
            Place::New => {
                self.calls.push(PartialCall {
                    index: piece.index,
                    ..PartialCall::default()
                });
                self.calls.len() - 1
            }
        };
        self.calls[position].add(piece)
    }

    /// Returns the call to which a piece belongs. The index identifies the call, but some servers
    /// omit it, some use the same index for all calls, and some repeat complete calls.
    fn place_of(&self, piece: &CallPiece) -> Place {
        let open = match piece.index {
            Some(index) => self
                .calls
                .iter()
                .rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        let is_named = !piece.name.is_empty();
        let Some(position) = open else {
            let is_empty = !is_named && piece.id.is_empty() && piece.arguments.is_empty();
            return if is_empty { Place::Nowhere } else { Place::New };
        };
        let call = &self.calls[position];
        let same_id = !piece.id.is_empty() && call.id == piece.id;
        let other_id = !piece.id.is_empty() && !call.id.is_empty() && !same_id;
        let has_arguments = !piece.arguments.trim().is_empty();
        let is_complete = call.object.is_complete();
        let starts = if is_named {
            let is_unnumbered = piece.index.is_none() && piece.id.is_empty();
            let is_other = call.is_named_otherwise(&piece.name) && has_arguments && !same_id;
            other_id || is_unnumbered || is_other || is_complete && has_arguments
        } else {
            // Some servers send a new id with every piece of one index. This is not a new call.
            other_id && piece.index.is_none()
        };
        let is_same = call.name == piece.name && (same_id || call.arguments == piece.arguments);
        if is_named && is_complete && is_same && !other_id {
            Place::Nowhere
        } else if starts {
            Place::New
        } else {
            Place::Open(position)
        }
    }

    /// Returns the calls as events. Replaces missing and duplicate ids.
    pub(super) fn finish(self, message: &Attached, tag: &Tag) -> Vec<ModelEvent> {
        let mut ids: Vec<String> = Vec::new();
        let mut events = Vec::new();
        let has_halves = self.has_halves;
        for call in self.calls {
            let fresh = !call.id.is_empty() && !ids.contains(&call.id);
            let call_id = if fresh {
                call.id
            } else {
                format!("call_{}", Uuid::now_v7().simple())
            };
            ids.push(call_id.clone());
            let message = events.is_empty().then_some(message);
            let arguments = if has_halves {
                Halves::join_whole(call.arguments)
            } else {
                call.arguments
            };
            events.push(ModelEvent::ToolCall(RequestedCall {
                call_id,
                tool_name: plain_name(&call.name).to_owned(),
                arguments,
                provider_data: tag.data(message, &call.attached, has_halves),
            }));
        }
        events
    }
}

/// Removes the additions that some models make to a tool's name: `functions.x`,
/// `x<|channel|>commentary`.
fn plain_name(name: &str) -> &str {
    let name = name.strip_prefix("functions.").unwrap_or(name);
    name.split("<|").next().unwrap_or(name).trim()
}

/// Detects in one pass when a text is a complete JSON object.
#[derive(Debug, Default)]
struct ObjectScanner {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    has_ended: bool,
}

impl ObjectScanner {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.has_ended = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.has_ended && self.depth == 0
    }
}
