//! A real Better Auth server, in a separate process.

use std::{path::Path, process::Stdio};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// The header of a sign-up response that contains the session token.
const SESSION_TOKEN: &str = "set-auth-token";

/// A running Better Auth server. It ends when this value is dropped, or when this process ends.
#[derive(Debug)]
pub struct BetterAuth {
    base_url: String,
    http: reqwest::Client,
    /// Holds the pipe. The server ends when the pipe is closed.
    _child: Child,
    /// Kept open, so that the server can write to its standard output.
    _said: Lines<BufReader<ChildStdout>>,
}

/// A signed-in user.
#[derive(Debug)]
pub struct SignedIn {
    user_id: String,
    session_token: String,
    token_request: RequestBuilder,
}

impl BetterAuth {
    /// Starts a server that signs with its default algorithm, `EdDSA`.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with these flags of `tests/better-auth/server.mjs`, such as `--alg=ES256`.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start_with(flags: &[&str]) -> Self {
        let mut child = Command::new("node")
            .arg("server.mjs")
            .args(flags)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("better-auth"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("`cargo xtask test` installs what is missing");
        let stdout = child.stdout.take().unwrap();
        let mut said = BufReader::new(stdout).lines();
        let started = said.next_line().await.unwrap();
        let started = started.expect("`cargo xtask test` installs what is missing");
        let started: Value = serde_json::from_str(&started).unwrap();
        Self {
            base_url: text(&started["base_url"]),
            http: reqwest::Client::new(),
            _child: child,
            _said: said,
        }
    }

    /// Signs up a user.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn sign_up(&self, email: &str) -> SignedIn {
        let user = json!({"email": email, "name": email, "password": "a-long-password"});
        let request = self.http.post(self.url("/sign-up/email")).json(&user);
        let answer = answer(request).await;
        let session_token = answer.headers()[SESSION_TOKEN].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        SignedIn {
            user_id: text(&body["user"]["id"]),
            token_request: self
                .http
                .get(self.url("/token"))
                .bearer_auth(&session_token),
            session_token,
        }
    }

    /// The URL of the server's public keys.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        self.url("/jwks")
    }

    /// The `iss` and the `aud` of the server's tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.base_url
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/auth{path}", self.base_url)
    }
}

impl SignedIn {
    /// The id of the user, which is the `sub` of their tokens.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session's token and its signature: `<token>.<signature>`.
    #[must_use]
    pub fn session_token(&self) -> &str {
        &self.session_token
    }

    /// Requests a new JWT.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn token(&self) -> String {
        let request = self.token_request.try_clone().unwrap();
        let body: Value = answer(request).await.json().await.unwrap();
        text(&body["token"])
    }
}

/// Sends a request that must succeed, and returns the response.
async fn answer(request: RequestBuilder) -> Response {
    request.send().await.unwrap().error_for_status().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
