//! From the chunks of a chat completion to the events of an answer.

use async_openai::error::OpenAIError;
use futures::{Stream, StreamExt, stream};
use serde_json::Value;
use uuid::Uuid;

use super::{
    http::{failure, is_too_long},
    wire::{Chunk, Delta, ToolCallDelta, Usage},
};
use crate::provider::{FinishReason, ModelEvent, ModelStream, ProviderError, RequestedCall};

/// The events of an answer. Tool calls come whole and at the end, as servers disagree on how
/// they are cut.
pub(super) fn events(
    chunks: impl Stream<Item = Result<Chunk, OpenAIError>> + Send + Unpin + 'static,
) -> ModelStream {
    let state = (chunks, Assembly::default());
    let parts = stream::unfold(Some(state), |state| async move {
        let (mut chunks, mut assembly) = state?;
        match chunks.next().await {
            Some(Ok(chunk)) => match assembly.add(chunk) {
                Ok(text) => {
                    let events = text.map(|text| Ok(ModelEvent::TextDelta(text)));
                    Some((Vec::from_iter(events), Some((chunks, assembly))))
                }
                Err(error) => Some((vec![Err(error)], None)),
            },
            Some(Err(error)) => Some((vec![Err(failure(error))], None)),
            None => Some((assembly.finish(), None)),
        }
    });
    parts.flat_map(stream::iter).boxed()
}

/// What has come of an answer, besides its text.
#[derive(Debug, Default)]
struct Assembly {
    calls: Vec<PartialCall>,
    usage: Option<Usage>,
    finish_reason: Option<String>,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Assembly {
    /// Takes a chunk in; returns its text.
    fn add(&mut self, chunk: Chunk) -> Result<Option<String>, ProviderError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(if is_too_long(&error.to_string()) {
                ProviderError::ContextTooLong
            } else {
                ProviderError::Failed("the server broke off with an error".into())
            });
        }
        if chunk.usage.is_some() {
            self.usage = chunk.usage;
        }
        let mut text = None;
        for choice in chunk.choices.unwrap_or_default().into_iter().take(1) {
            if let Some(mut delta) = choice.delta {
                for call in delta.tool_calls.take().unwrap_or_default() {
                    self.add_call(call);
                }
                text = text_of(delta);
            }
            if choice.finish_reason.is_some() {
                self.finish_reason = choice.finish_reason;
            }
        }
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Takes a part of a call in. The index says which call it belongs to, but some servers leave
    /// it out, and some give all calls the same: then a new id, or a name without one, begins a
    /// new call.
    fn add_call(&mut self, delta: ToolCallDelta) {
        let function = delta.function.unwrap_or_default();
        let id = delta.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let open = match delta.index {
            Some(index) => self
                .calls
                .iter()
                .rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        let continues = open.filter(|open| {
            let call = &self.calls[*open];
            let same_id = id.is_empty() || call.id.is_empty() || call.id == id;
            let begins = id.is_empty() && !name.is_empty() && delta.index.is_none();
            same_id && !begins
        });
        let position = continues.unwrap_or_else(|| {
            self.calls.push(PartialCall {
                index: delta.index,
                ..PartialCall::default()
            });
            self.calls.len() - 1
        });
        let call = &mut self.calls[position];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        match function.arguments {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => call.arguments.push_str(&text),
            Some(other) => call.arguments.push_str(&other.to_string()),
        }
    }

    /// The end of the chunks. Without a reason to finish, the answer was cut.
    fn finish(self) -> Vec<Result<ModelEvent, ProviderError>> {
        let Some(reason) = self.finish_reason else {
            return vec![Err(ProviderError::Failed("the answer was cut off".into()))];
        };
        let mut ids: Vec<String> = Vec::new();
        let mut events = Vec::new();
        for call in self.calls {
            let fresh = !call.id.is_empty() && !ids.contains(&call.id);
            let call_id = if fresh {
                call.id
            } else {
                format!("call_{}", Uuid::now_v7().simple())
            };
            ids.push(call_id.clone());
            events.push(ModelEvent::ToolCall(RequestedCall {
                call_id,
                tool_name: call.name,
                arguments: call.arguments,
            }));
        }
        if let Some((input_tokens, output_tokens)) = self
            .usage
            .and_then(|usage| usage.prompt_tokens.zip(usage.completion_tokens))
        {
            events.push(ModelEvent::Usage(chatkit_domain::Usage {
                input_tokens,
                output_tokens,
                estimated: false,
            }));
        }
        events.push(ModelEvent::Finished(match reason.as_str() {
            "length" | "max_tokens" => FinishReason::Length,
            "content_filter" => FinishReason::ContentFilter,
            _ => FinishReason::Stop,
        }));
        events.into_iter().map(Ok).collect()
    }
}

/// The text of a delta: text, or parts of text; a refusal is what the model says, too.
fn text_of(delta: Delta) -> Option<String> {
    match delta.content {
        Some(Value::String(text)) => Some(text),
        Some(Value::Array(parts)) => Some(
            parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect(),
        ),
        _ => delta.refusal,
    }
}

#[cfg(test)]
mod tests;
