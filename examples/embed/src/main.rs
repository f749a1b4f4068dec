//! A library's web application, with an assistant under `/assistant`.
#![expect(clippy::print_stdout, reason = "the application prints its address")]

use std::{env, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, http::request::Parts, routing::get, serve};
use chatkit_server::{
    App, AuthFailure, Authenticator, Caller, Provider, Reply, Responder, ResponderError, Settings,
    Tool, ToolContext, ToolError, ToolRegistry, Turn, UserId, agent::provider::*,
};
use futures::{StreamExt, stream};

#[derive(Debug)]
struct Library;

#[async_trait]
impl Authenticator for Library {
    async fn caller(&self, parts: &Parts) -> Result<Caller, AuthFailure> {
        match parts.headers.get("x-api-key").map(AsRef::as_ref) {
            Some(b"alices-key") => Ok(Caller::new(UserId::parse("alice")?)),
            Some(_) => Err(AuthFailure::invalid("the key is unknown")),
            None => Err(AuthFailure::Missing),
        }
    }
}

/// Replaces a model: calls the tool with each message, and answers with the result.
#[async_trait]
impl Provider for Library {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let event = match request.input.last() {
            Some(InputItem::User(title)) => {
                let arguments = serde_json::json!({"title": title}).to_string();
                ModelEvent::ToolCall(RequestedCall::new("call_1", "find_book", arguments))
            }
            Some(InputItem::ToolResult { output, .. }) => ModelEvent::TextDelta(output.clone()),
            _ => ModelEvent::TextDelta("Which book are you looking for?".to_owned()),
        };
        Ok(stream::iter([Ok(event), Ok(ModelEvent::Finished(FinishReason::Stop))]).boxed())
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Book {
    title: String,
}

#[async_trait]
impl Tool for Library {
    type Arguments = Book;
    type Output = String;

    fn name(&self) -> &str {
        "find_book"
    }

    fn description(&self) -> &str {
        "Finds the shelf of a book."
    }

    async fn call(&self, _: &ToolContext, book: Book) -> Result<String, ToolError> {
        Ok(format!("{} is on shelf {}", book.title, book.title.len()))
    }
}

/// Answers questions about opening hours, and leaves all other questions to the model.
#[async_trait]
impl Responder for Library {
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        if !turn.user_message().content.contains("open") {
            return Ok(Reply::ByAgent);
        }
        turn.say("We are open from 9 to 5.").await?;
        Ok(Reply::Done)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut tools = ToolRegistry::default();
    tools.register(Library)?;
    let builder = App::builder(Settings::new().with_base_path("/assistant"))
        .authenticator(Arc::new(Library))
        .provider("librarian", Arc::new(Library))
        .responder(Arc::new(Library))
        .tools(tools);
    let chat = builder.build().await?;
    let app = Router::new().route("/", get(async || "The library"));
    let app = app.nest_service("/assistant", chat.service());
    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = chat.clone().shutdown_on_signal(Duration::from_secs(25));
    serve(listener, app).with_graceful_shutdown(stop).await?;
    chat.close().await;
    Ok(())
}
