//! A real Better Auth, in a process of its own.

use std::{path::Path, process::Stdio};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// The header in which a sign-up hands out the session token.
const SESSION_TOKEN: &str = "set-auth-token";

/// A running Better Auth; it ends with this value, and with this process however that ends.
#[derive(Debug)]
pub struct BetterAuth {
    base_url: String,
    http: reqwest::Client,
    /// Holds the pipe whose end stops it.
    _child: Child,
    /// Whatever it says later must have somewhere to go.
    _said: Lines<BufReader<ChildStdout>>,
}

/// A user who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    user_id: String,
    session_token: String,
    token_request: RequestBuilder,
}

impl BetterAuth {
    /// One that signs with `EdDSA`, which is its own choice.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One with these flags of `tests/better-auth/server.mjs`, such as `--alg=ES256`.
    ///
    /// # Panics
    /// When it does not start.
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
    /// When that is refused.
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

    /// Where its public keys are.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        self.url("/jwks")
    }

    /// The `iss` of its tokens, and their `aud`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.base_url
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/auth{path}", self.base_url)
    }
}

impl SignedIn {
    /// The user's id, the `sub` of their tokens.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session's token and its signature: `<token>.<signature>`.
    #[must_use]
    pub fn session_token(&self) -> &str {
        &self.session_token
    }

    /// A fresh JWT.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn token(&self) -> String {
        let request = self.token_request.try_clone().unwrap();
        let body: Value = answer(request).await.json().await.unwrap();
        text(&body["token"])
    }
}

/// The answer to a request that must not be refused.
async fn answer(request: RequestBuilder) -> Response {
    request.send().await.unwrap().error_for_status().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
