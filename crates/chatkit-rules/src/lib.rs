//! A provider without a model. A few rules understand requests about the task list.
//!
//! [`RulesProvider`] calls the same tools as a model would, so all code around it runs as in
//! production. It is deterministic, and its answers say that rules wrote them.

mod intent;
mod pattern;
mod phrasing;
mod plan;
mod reference;
mod tools;

use async_trait::async_trait;
use chatkit_agent::provider::{
    FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, Provider, ProviderError,
    ToolChoice,
};
use futures::{StreamExt, stream};

use self::{
    intent::Intent,
    plan::Step,
    tools::{LIST_TASKS, ToolResult},
};

/// The provider that applies the built-in rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct RulesProvider;

#[async_trait]
impl Provider for RulesProvider {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let (asked, results) = situation(&request.input);
        let may_call = request.tool_choice != ToolChoice::None;
        let mut tools = request.tools.iter();
        let has_tools = may_call && tools.any(|tool| tool.name == LIST_TASKS);
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

/// Returns the intent of the last request and the tool results after it. The request may refer to
/// earlier ones.
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

/// Splits a text into the streamed pieces. Each is a word with the white space after it.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned)
}
