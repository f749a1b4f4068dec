//! From the events of a response to the events of an answer.

mod wire;

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use async_openai::{Client, config::OpenAIConfig, error::OpenAIError};
use futures::{Stream, StreamExt, stream};
use serde_json::Value;

use self::wire::{Event, OutputItem, Request, ResponseBody};
use super::http::{RefusedStatus, failure, is_too_long};
use crate::provider::{
    FinishReason, ModelEvent, ModelRequest, ModelStream, ProviderError, RequestedCall,
};

/// What stands between the parts of a summary.
const PART_SEPARATOR: &str = "\n\n";

/// Asks for responses.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// The models that do not tell what they think. Found out by asking, once for each.
    without_reasoning: Mutex<HashSet<String>>,
}

impl Responses {
    /// Asks for a response.
    pub(super) async fn ask(
        &self,
        client: &Client<OpenAIConfig>,
        request: ModelRequest,
    ) -> Result<ModelStream, ProviderError> {
        let mut body = Request::from(request);
        if self.lock().contains(&body.model) {
            body.reasoning = None;
        }
        let refused = match send(client, &body).await {
            Err(error) if body.reasoning.is_some() && refuses_reasoning(&error) => error,
            result => return result,
        };
        tracing::info!(
            model = body.model,
            error = &refused as &dyn std::error::Error,
            "the model does not tell its reasoning"
        );
        self.lock().insert(body.model.clone());
        body.reasoning = None;
        send(client, &body).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.without_reasoning
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(client: &Client<OpenAIConfig>, body: &Request) -> Result<ModelStream, ProviderError> {
    let responses = client.responses();
    let steps = responses.create_stream_byot::<_, Event>(body).await;
    Ok(events(steps.map_err(failure)?))
}

/// Whether a refusal is about the request for summaries and nothing else.
fn refuses_reasoning(error: &ProviderError) -> bool {
    let ProviderError::Failed(cause) = error else {
        return false;
    };
    let refused = cause.downcast_ref::<RefusedStatus>();
    refused.is_some_and(|refused| refused.param.starts_with("reasoning"))
}

/// The events of an answer. Tool calls come at its end, as with the other API.
fn events(
    steps: impl Stream<Item = Result<Event, OpenAIError>> + Send + Unpin + 'static,
) -> ModelStream {
    let state = (steps, Vec::new());
    let parts = stream::unfold(Some(state), |state| async move {
        let (mut steps, mut calls) = state?;
        let (events, ends) = match steps.next().await {
            Some(Ok(step)) => read(step, &mut calls),
            Some(Err(error)) => (vec![Err(failure(error))], true),
            None => {
                let cut = ProviderError::Failed("the answer was cut off".into());
                (vec![Err(cut)], true)
            }
        };
        Some((events, (!ends).then_some((steps, calls))))
    });
    parts.flat_map(stream::iter).boxed()
}

type Events = Vec<Result<ModelEvent, ProviderError>>;

/// What a step adds to the answer, and whether it is the last.
fn read(step: Event, calls: &mut Vec<RequestedCall>) -> (Events, bool) {
    let text = |delta: Option<Value>| match delta {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let event = match step.kind.as_str() {
        "response.output_text.delta" | "response.refusal.delta" => {
            text(step.delta).map(ModelEvent::TextDelta)
        }
        "response.reasoning_summary_text.delta" => text(step.delta).map(ModelEvent::ReasoningDelta),
        "response.reasoning_summary_part.added" => step
            .summary_index
            .filter(|index| *index > 0)
            .map(|_| ModelEvent::ReasoningDelta(PART_SEPARATOR.to_owned())),
        "response.output_item.done" => {
            calls.extend(step.item.and_then(requested));
            None
        }
        "response.completed" | "response.incomplete" => {
            let events = finish(step.response.unwrap_or_default(), std::mem::take(calls));
            return (events.into_iter().map(Ok).collect(), true);
        }
        "response.failed" => {
            let error = step.response.and_then(|response| response.error);
            return (vec![Err(broken_off(&error.unwrap_or_default()))], true);
        }
        "error" => {
            let error = step.error.filter(|error| !error.is_null());
            let error = error.unwrap_or_else(|| serde_json::json!({"code": step.code}));
            return (vec![Err(broken_off(&error))], true);
        }
        _ => None,
    };
    (event.into_iter().map(Ok).collect(), false)
}

/// The call that an item of the output asks for.
fn requested(item: OutputItem) -> Option<RequestedCall> {
    (item.kind == "function_call").then(|| RequestedCall {
        call_id: item.call_id.unwrap_or_default(),
        tool_name: item.name.unwrap_or_default(),
        arguments: item.arguments.unwrap_or_default(),
    })
}

fn finish(response: ResponseBody, calls: Vec<RequestedCall>) -> Vec<ModelEvent> {
    // Some servers only show the calls in the whole.
    let calls = if calls.is_empty() {
        let output = response.output.unwrap_or_default();
        output.into_iter().filter_map(requested).collect()
    } else {
        calls
    };
    let mut events: Vec<_> = calls.into_iter().map(ModelEvent::ToolCall).collect();
    let usage = response.usage.unwrap_or_default();
    if let Some((input_tokens, output_tokens)) = usage.input_tokens.zip(usage.output_tokens) {
        events.push(ModelEvent::Usage(chatkit_domain::Usage {
            input_tokens,
            output_tokens,
            estimated: false,
        }));
    }
    let reason = response
        .incomplete_details
        .and_then(|details| details.reason);
    events.push(ModelEvent::Finished(match reason.as_deref() {
        None => FinishReason::Stop,
        Some("content_filter") => FinishReason::ContentFilter,
        Some(_) => FinishReason::Length,
    }));
    events
}

/// What an error in the middle of a response means.
fn broken_off(error: &Value) -> ProviderError {
    let code = error["code"].as_str().unwrap_or_default();
    if is_too_long(&error.to_string()) {
        ProviderError::ContextTooLong
    } else if code == "rate_limit_exceeded" || code == "server_overloaded" {
        ProviderError::Overloaded { retry_after: None }
    } else {
        ProviderError::Failed("the server broke off with an error".into())
    }
}

#[cfg(test)]
mod tests;
