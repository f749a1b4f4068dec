//! Tests against scripted servers that behave as users reported. Every conversation must stay
//! answerable.

mod calls;
mod failures;
mod lessons;
mod never_stuck;
mod prompt_cache;
mod requests;
mod responses;
mod streams;

use chatkit_tests::{
    Answer, Client, TestServer,
    model::{FakeModel, Reply},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::BACKEND;

/// The two APIs by which a model can be asked.
const APIS: [&str; 2] = ["chat_completions", "responses"];

/// A conversation that this model's server answers.
struct Chat {
    model: FakeModel,
    _server: TestServer,
    client: Client,
    id: String,
}

impl Chat {
    async fn behind(model: FakeModel, flags: &[&str]) -> Self {
        let server = TestServer::start_asking(BACKEND, &model, flags).await;
        let client = server.client("alice");
        let id = client.create_conversation().await;
        Self {
            model,
            _server: server,
            client,
            id,
        }
    }

    /// A conversation with a server that has this script.
    async fn scripted(replies: impl IntoIterator<Item = Reply>, flags: &[&str]) -> Self {
        let chat = Self::behind(FakeModel::start().await, flags).await;
        chat.model.script(replies);
        chat
    }

    async fn send(&self, content: &str) -> Answer {
        let path = format!("/api/chat/conversations/{}/messages", self.id);
        self.client.post(&path, json!({"content": content})).await
    }

    /// Sends a message that is answered. Returns the answer.
    async fn answer(&self, content: &str) -> Value {
        let answer = self.send(content).await;
        answer.expect(StatusCode::CREATED)["assistant_message"].clone()
    }

    /// The newest message.
    async fn newest(&self) -> Value {
        self.client.history(&self.id).await.pop().unwrap()
    }
}

/// The messages of a request, or the items of its input.
fn messages(request: &Value) -> &Vec<Value> {
    let messages = request["messages"].as_array();
    messages.or_else(|| request["input"].as_array()).unwrap()
}

/// A refusal with this status and body.
fn refusal(status: u16, body: &Value) -> Reply {
    Reply::Status(status, Vec::new(), body.to_string())
}

/// A refusal in OpenAI's shape, with this message.
fn refused(message: &str) -> Reply {
    refusal(
        400,
        &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}}),
    )
}
