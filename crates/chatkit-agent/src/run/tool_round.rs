//! Carries out one round of tool calls: records the calls, runs the tools, and records the results.

use std::{ops::Range, time::Duration};

use chatkit_domain::{
    NewToolCall, RepositoryError, RunEvent, RunFence, ToolCall, ToolCallEvent, ToolCallOutcome,
    ToolCallStatus, replace_nul, replace_nul_in_json,
};
use chatkit_tools::{ToolContext, ToolError};
use futures::future::try_join_all;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    core::AgentCore,
    log::journal::EnteredRun,
    metrics::{self, ToolEnd},
    provider::{InputItem, RequestedCall},
    retry::retry_while_unavailable,
    transcript::text::{cut, result_text},
};

/// The calls that a model requested in one round.
pub(super) struct ToolRound<'a> {
    pub(super) core: &'a AgentCore,
    pub(super) fence: RunFence,
    pub(super) context: &'a ToolContext,
    pub(super) entered: &'a EnteredRun,
    pub(super) round: u32,
    /// The number of characters of the answer's text before the calls.
    pub(super) content_offset: usize,
}

/// A call with its parsed arguments, or with the error in them.
struct PreparedCall {
    new: NewToolCall,
    arguments: Result<Map<String, Value>, String>,
}

impl ToolRound<'_> {
    /// Carries out the calls. Consecutive read-only calls run concurrently, and all others in
    /// sequence. Returns the results for the model, in the order of the calls.
    ///
    /// # Errors
    /// Only errors of the repository. The failure of a tool becomes its result.
    pub(super) async fn call(
        &self,
        requested: &[RequestedCall],
    ) -> Result<Vec<InputItem>, RepositoryError> {
        // The run may be stopped after a call is recorded and before it is emitted.
        self.entered.log().keep_numbers();
        let prepared: Vec<_> = (0..)
            .zip(requested)
            .map(|(position, call)| self.prepare(position, call))
            .collect();
        let mut items = Vec::with_capacity(prepared.len());
        for batch in self.batches(&prepared) {
            let batch = &prepared[batch];
            let records: Vec<_> = batch.iter().map(|call| call.new.clone()).collect();
            let (journal, now) = (&self.core.repositories.journal, self.core.clock.now());
            retry_while_unavailable(|| journal.start_tool_calls(self.fence, &records, now)).await?;
            let started = records
                .into_iter()
                .map(|new| ToolCall::started(new, self.fence.run_id, now));
            let calls = started.zip(batch).map(|(started, call)| {
                let event = ToolCallEvent::Started(Box::new(started.clone()));
                self.entered.emit(RunEvent::ToolCall(event));
                self.carry_out(call, started)
            });
            items.extend(try_join_all(calls).await?);
        }
        Ok(items)
    }

    fn prepare(&self, position: u32, call: &RequestedCall) -> PreparedCall {
        let arguments = read_arguments(&call.arguments);
        let text = replace_nul(call.arguments.clone());
        PreparedCall {
            new: NewToolCall {
                id: self.core.clock.id(),
                round: self.round,
                position,
                call_id: replace_nul(call.call_id.clone()),
                tool_name: replace_nul(call.tool_name.clone()),
                arguments: arguments.clone().unwrap_or_default(),
                arguments_text: arguments.is_err().then(|| text.clone()),
                raw_arguments: text,
                content_offset: self.content_offset as u64,
                provider_data: call.provider_data.clone().map(replace_nul),
            },
            arguments,
        }
    }

    /// Splits the round into batches that run one after the other.
    fn batches(&self, calls: &[PreparedCall]) -> Vec<Range<usize>> {
        let reads = |call: &PreparedCall| self.core.tools.is_read_only(&call.new.tool_name);
        let mut start = 0;
        calls
            .chunk_by(|one, other| reads(one) && reads(other))
            .map(|batch| {
                let range = start..start + batch.len();
                start = range.end;
                range
            })
            .collect()
    }

    async fn carry_out(
        &self,
        call: &PreparedCall,
        started: ToolCall,
    ) -> Result<InputItem, RepositoryError> {
        let start = Instant::now();
        let (end, result) = match &call.arguments {
            Ok(arguments) => self.run_tool(&call.new.tool_name, arguments.clone()).await,
            Err(reason) => (ToolEnd::Refused, Err(ToolError::Refused(reason.clone()))),
        };
        let took = start.elapsed();
        let name = call.new.tool_name.as_str();
        let is_known = self.core.tools.contains(name);
        metrics::tool_call(is_known.then_some(name), end, took);
        let outcome = self.outcome(call, result, took);
        let journal = &self.core.repositories.journal;
        let now = self.core.clock.now();
        retry_while_unavailable(|| journal.finish_tool_call(self.fence, &outcome, now)).await?;
        let finished = started.finished(outcome.clone(), now);
        let event = ToolCallEvent::Completed(Box::new(finished));
        self.entered.emit(RunEvent::ToolCall(event));
        Ok(InputItem::ToolResult {
            call_id: call.new.call_id.clone(),
            tool_name: call.new.tool_name.clone(),
            output: self.output(outcome),
        })
    }

    /// Converts the outcome to model input and shortens it to the limit.
    fn output(&self, outcome: ToolCallOutcome) -> String {
        let output = match (outcome.error_message, outcome.result) {
            (Some(message), _) => message,
            (None, result) => result_text(&result.unwrap_or_default()),
        };
        cut(output, self.core.settings.max_tool_result_chars)
    }

    async fn run_tool(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> (ToolEnd, Result<Value, ToolError>) {
        let bound = self.core.settings.tool_timeout;
        let call = self.core.tools.call(self.context, name, arguments);
        let Ok(result) = tokio::time::timeout(bound, call).await else {
            let message = format!(
                "The tool did not answer within {} s; it is not known what it did.",
                bound.as_secs_f32()
            );
            return (ToolEnd::TimedOut, Err(ToolError::Refused(message)));
        };
        let end = match &result {
            Ok(_) => ToolEnd::Success,
            Err(ToolError::Refused(_)) => ToolEnd::Refused,
            Err(ToolError::Failed(_)) => ToolEnd::Failed,
        };
        (end, result)
    }

    fn outcome(
        &self,
        call: &PreparedCall,
        result: Result<Value, ToolError>,
        took: Duration,
    ) -> ToolCallOutcome {
        let (status, result, error_message) = match result {
            Ok(value) => {
                let value = replace_nul_in_json(value);
                (ToolCallStatus::Success, Some(value), None)
            }
            Err(error) => {
                let message = match &error {
                    ToolError::Refused(message) => replace_nul(message.clone()),
                    ToolError::Failed(_) => "The tool failed.".to_owned(),
                };
                if matches!(error, ToolError::Failed(_)) {
                    tracing::error!(
                        tool = call.new.tool_name,
                        error = &error as &dyn std::error::Error,
                        "could not carry out a tool call"
                    );
                }
                (ToolCallStatus::Error, None, Some(message))
            }
        };
        ToolCallOutcome {
            id: call.new.id,
            status,
            result,
            error_message,
            execution_time_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Parses the arguments that a model wrote. An empty text and `null` mean no arguments.
fn read_arguments(text: &str) -> Result<Map<String, Value>, String> {
    if matches!(text.trim(), "" | "null") {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => match replace_nul_in_json(Value::Object(arguments)) {
            Value::Object(arguments) => Ok(arguments),
            _ => Ok(Map::new()),
        },
        Ok(_) => Err("Wrong arguments: they must be a JSON object.".to_owned()),
        Err(error) => Err(format!("Wrong arguments: they are not JSON: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_must_be_a_json_object() {
        assert_eq!(read_arguments(" "), Ok(Map::new()));
        assert_eq!(read_arguments(" null"), Ok(Map::new()));
        assert_eq!(read_arguments("{}"), Ok(Map::new()));
        for wrong in ["[]", "1", "{", "nonsense", "\"{}\""] {
            assert!(read_arguments(wrong).is_err(), "{wrong}");
        }
        let read = read_arguments(r#"{"a":"x\u0000"}"#).unwrap();
        assert_eq!(read["a"], "x\u{fffd}");
    }
}
