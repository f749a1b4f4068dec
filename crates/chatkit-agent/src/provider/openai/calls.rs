//! The tool calls of an answer, put together from the pieces in which servers send them.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    answer::garbage,
    attached::{Attached, Tag},
};
use crate::provider::{ModelEvent, ProviderError, RequestedCall, json::Halves};

/// Largest arguments of a call, in bytes.
const MAX_ARGUMENT_BYTES: usize = 256 * 1024;

/// Most calls of an answer. Fewer are carried out, but an answer with more is garbage.
const MAX_CALLS: usize = 128;

/// The calls of an answer, in order.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<PartialCall>,
    /// Whether their texts may hold halves of surrogate pairs.
    pub(super) has_halves: bool,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// How far the arguments are a JSON object.
    object: ObjectScanner,
    attached: Attached,
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
    /// Reads a piece as chat completions have it.
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

    /// Reads a whole call as the Responses API has it.
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

/// The text of a value. Servers that do not stream arguments send an object.
fn text(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Appends a piece to the call that it belongs to.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] for more or larger calls than an answer may have.
    pub(super) fn add(&mut self, piece: CallPiece) -> Result<(), ProviderError> {
        if self.is_repeated(&piece) {
            return Ok(());
        }
        let position = match self.open(&piece) {
            Some(position) => position,
            None if self.calls.len() == MAX_CALLS => {
                return Err(garbage("the answer has more than 128 tool calls"));
            }
            None => {
                self.calls.push(PartialCall {
                    index: piece.index,
                    ..PartialCall::default()
                });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[position];
        if call.arguments.len() + piece.arguments.len() > MAX_ARGUMENT_BYTES {
            return Err(garbage(
                "the arguments of a tool call are larger than 256 KiB",
            ));
        }
        call.object.read(&piece.arguments);
        call.arguments.push_str(&piece.arguments);
        if call.id.is_empty() {
            call.id = piece.id;
        }
        if call.name.is_empty() {
            call.name = piece.name;
        }
        call.attached.add(piece.attached);
        Ok(())
    }

    /// The call that a piece continues. The index identifies it, but some servers omit the index
    /// and some repeat one index for all calls. In those cases a different id or name starts a new
    /// call. So does a name with arguments after arguments that are complete.
    fn open(&self, piece: &CallPiece) -> Option<usize> {
        let open = match piece.index {
            Some(index) => self
                .calls
                .iter()
                .rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        open.filter(|open| {
            let call = &self.calls[*open];
            let differ =
                |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
            let is_another = differ(&call.id, &piece.id) || differ(&call.name, &piece.name);
            let is_named = !piece.name.is_empty();
            let is_unnumbered = piece.index.is_none() && piece.id.is_empty();
            let follows_complete = call.object.is_complete() && !piece.arguments.is_empty();
            !is_another && !(is_named && (is_unnumbered || follows_complete))
        })
    }

    /// Whether a piece is a call again that is known already, with the same id and arguments.
    fn is_repeated(&self, piece: &CallPiece) -> bool {
        let same = |call: &PartialCall| {
            call.id == piece.id && call.arguments == piece.arguments && call.object.is_complete()
        };
        !piece.id.is_empty() && self.calls.iter().any(same)
    }

    /// The calls as events. Missing and duplicate ids are replaced.
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
                tool_name: call.name,
                arguments,
                provider_data: tag.data(message, &call.attached, has_halves),
            }));
        }
        events
    }
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
