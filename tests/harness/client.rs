//! A client of the API that shows complete responses.

use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

/// A client of one user.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// A response of the server.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON. Null if the body is not JSON.
    pub body: Value,
}

impl Client {
    pub(crate) fn new(base: String, token: Option<&str>) -> Self {
        Self {
            http: reqwest::Client::new(),
            base,
            token: token.map(str::to_owned),
        }
    }

    /// A client of a user, for the server at this URL.
    #[must_use]
    pub fn of(url: &str, user: &str) -> Self {
        Self::new(url.to_owned(), Some(&crate::token::of(user)))
    }

    /// A client of another user, over the same connections.
    #[must_use]
    pub fn as_user(&self, user: &str) -> Self {
        Self {
            token: Some(crate::token::of(user)),
            ..self.clone()
        }
    }

    /// Creates a request that the test can change.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request of [`request`](Self::request).
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = read(request).await.unwrap();
        crate::log::check();
        answer
    }

    /// `POST` with a JSON body. Returns `None` if the server does not answer.
    pub async fn try_post(&self, path: &str, body: Value) -> Option<Answer> {
        read(self.request(Method::POST, path).json(&body))
            .await
            .ok()
    }

    /// `GET`.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` with a JSON body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        crate::log::must_not_hold(&body);
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    /// `PUT` with a JSON body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        crate::log::must_not_hold(&body);
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// `DELETE`.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates a conversation and returns its id.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn create_conversation(&self) -> String {
        let created = self.post("/api/chat/conversations", json!({})).await;
        created.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Panics
    /// When the message is not answered.
    pub async fn say(&self, conversation: &str, content: &str) -> Value {
        self.post(&messages(conversation), json!({"content": content}))
            .await
            .expect(StatusCode::CREATED)
            .clone()
    }

    /// Starts a run, and returns its path.
    ///
    /// # Panics
    /// When the run does not start.
    pub async fn begin_run(&self, conversation: &str, body: Value) -> String {
        let runs = format!("/api/chat/conversations/{conversation}/runs");
        let started = self.post(&runs, body).await;
        started.expect(StatusCode::ACCEPTED);
        started.header("location").to_owned()
    }

    /// Lists the newest messages of a conversation.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn history(&self, conversation: &str) -> Vec<Value> {
        let list = self.get(&messages(conversation)).await;
        list.expect(StatusCode::OK)["messages"]
            .as_array()
            .unwrap()
            .clone()
    }
}

impl Answer {
    /// Returns the body of a response with this status.
    ///
    /// # Panics
    /// When the response has another status.
    #[track_caller]
    pub fn expect(&self, status: StatusCode) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        &self.body
    }

    /// Checks that the response is a problem (RFC 9457) as in the contract.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn expect_problem(&self, status: StatusCode, code: &str) -> &Value {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status.as_u16());
        assert_eq!(body["code"], code);
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["title"], status.canonical_reason().unwrap());
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
        assert_eq!(body["request_id"], self.header("x-request-id"));
        body
    }

    /// Returns the value of a header, or an empty string without the header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn read(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Answer {
        status,
        headers,
        text,
        body,
    })
}

fn messages(conversation: &str) -> String {
    format!("/api/chat/conversations/{conversation}/messages")
}
