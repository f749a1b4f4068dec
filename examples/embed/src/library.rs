//! The parts that the application brings: its users, its model, a tool, and answers of its own.

use std::collections::HashMap;

use async_trait::async_trait;
use chatkit_server::{
    AuthFailure, Authenticator, Caller, Provider, Reply, Responder, ResponderError, Tool,
    ToolContext, ToolError, Turn, UserId,
    agent::provider::{
        FinishReason, InputItem, ModelEvent, ModelRequest, ModelStream, ProviderError,
        RequestedCall,
    },
};
use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Deserialize;

/// Knows the users by the keys that they send in a header.
#[derive(Debug)]
pub(crate) struct ApiKeys(pub(crate) HashMap<&'static str, &'static str>);

#[async_trait]
impl Authenticator for ApiKeys {
    async fn caller(&self, parts: &http::request::Parts) -> Result<Caller, AuthFailure> {
        let key = parts.headers.get("x-api-key").ok_or(AuthFailure::Missing)?;
        let user = key.to_str().ok().and_then(|key| self.0.get(key));
        let user = *user.ok_or_else(|| AuthFailure::invalid("the key is unknown"))?;
        let user = UserId::parse(user).map_err(|error| AuthFailure::Unavailable(error.into()))?;
        Ok(Caller::new(user))
    }
}

/// Stands in for a model: it looks up every message as a title, and then reads out the result.
#[derive(Debug)]
pub(crate) struct Librarian;

#[async_trait]
impl Provider for Librarian {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let event = match request.input.last() {
            Some(InputItem::User(text)) => ModelEvent::ToolCall(RequestedCall {
                call_id: "call_1".to_owned(),
                tool_name: "find_book".to_owned(),
                arguments: serde_json::json!({"title": text}).to_string(),
                provider_data: None,
            }),
            Some(InputItem::ToolResult { output, .. }) => ModelEvent::TextDelta(output.clone()),
            _ => ModelEvent::TextDelta("Which book are you looking for?".to_owned()),
        };
        let events = [event, ModelEvent::Finished(FinishReason::Stop)];
        Ok(stream::iter(events.map(Ok)).boxed())
    }
}

/// A tool. Its schema comes from the type of its arguments.
#[derive(Debug)]
pub(crate) struct FindBook;

/// The arguments with which the model calls the tool.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct FindBookArguments {
    /// The title of the book, or a part of it
    title: String,
}

#[async_trait]
impl Tool for FindBook {
    type Arguments = FindBookArguments;
    type Output = String;

    fn name(&self) -> &str {
        "find_book"
    }

    fn description(&self) -> &str {
        "Finds the shelf of a book."
    }

    async fn call(&self, _: &ToolContext, book: FindBookArguments) -> Result<String, ToolError> {
        Ok(format!("{} is on shelf {}", book.title, book.title.len()))
    }
}

/// Answers questions about opening hours itself, and leaves the others to the provider.
#[derive(Debug)]
pub(crate) struct OpeningHours;

#[async_trait]
impl Responder for OpeningHours {
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        if !turn.user_message().content.contains("open") {
            return Ok(Reply::ByAgent);
        }
        turn.say("We are open from 9 to 5.").await?;
        Ok(Reply::Done)
    }
}
