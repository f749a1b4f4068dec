//! Answers without a model: a few rules that understand requests about the task list.
//!
//! It asks for the same tools in the same way as a model would, so that everything around it is
//! the real thing. It is deterministic, and says of itself that it is rules.

mod intent;
mod pattern;
mod phrasing;
mod plan;
mod reference;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use serde_json::Value;

use self::{intent::Intent, plan::Step};
use super::{
    FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, Provider, ProviderError,
    ToolChoice,
};

/// The built-in rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct RulesProvider;

#[async_trait]
impl Provider for RulesProvider {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let (asked, results) = situation(&request.input);
        let may_call = request.tool_choice != ToolChoice::None;
        let mut tools = request.tools.iter();
        let has_tools = may_call && tools.any(|tool| tool.name == plan::LIST_TASKS);
        let events = match plan::next_step(&asked, &results, has_tools) {
            Step::Say(text) => words(&text).map(ModelEvent::TextDelta).collect(),
            Step::Call(calls) => calls
                .into_iter()
                .map(ModelEvent::ToolCall)
                .collect::<Vec<_>>(),
        };
        let events = events
            .into_iter()
            .chain([ModelEvent::Finished(FinishReason::Stop)])
            .map(Ok);
        Ok(stream::iter(events.collect::<Vec<_>>()).boxed())
    }
}

/// What a tool gave back in this run.
#[derive(Debug)]
struct ToolResult<'a> {
    tool_name: &'a str,
    /// Its JSON, or the sentence that tells what went wrong.
    output: Result<Value, &'a str>,
}

/// What the user asks for now, in the light of what was asked before, and the results that came
/// since.
fn situation(input: &[InputItem]) -> (Intent, Vec<ToolResult<'_>>) {
    let mut asked = Intent::Unknown;
    let mut results = Vec::new();
    for item in input {
        match item {
            InputItem::User(text) => {
                asked = Intent::parse(text, &asked);
                results.clear();
            }
            InputItem::ToolResult {
                tool_name, output, ..
            } => results.push(ToolResult {
                tool_name,
                output: serde_json::from_str(output).map_err(|_| output.as_str()),
            }),
            InputItem::Assistant { .. } | InputItem::Note(_) => {}
        }
    }
    (asked, results)
}

/// The text in the pieces in which it is streamed: words with the white space behind them.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned)
}
