//! Settings of the API.

use std::{borrow::Cow, time::Duration};

use crate::{auth::verifier::Verifier, base_path::BasePath, metrics::MetricsSource};

/// Settings of the API.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiOptions {
    /// The name of the model provider: `openai`, `rules`, or that of a provider of your own.
    pub provider: Cow<'static, str>,
    /// The models that a caller may choose, the default first. Without any, the agent's model.
    pub models: Vec<String>,
    /// The origin under which browsers see the server, such as `https://chat.example.com`. If it is
    /// empty, no origin is trusted besides [`cors_origins`](Self::cors_origins), and sign-in must be
    /// off.
    pub public_url: String,
    /// The path under which clients see the API, such as `/assistant`, or an empty text.
    pub base_path: BasePath,
    /// Origins whose pages may call the API with credentials, exactly as browsers send them.
    pub cors_origins: Vec<String>,
    /// Whether a disconnecting ChatKit client stops its run, and may offer a stop button.
    pub chatkit_allow_cancel: bool,
    /// The source of `/metrics`. Without one, the path does not exist.
    pub metrics: Option<MetricsSource>,
    /// How long a deleted conversation can be restored.
    pub deleted_ttl: Duration,
    /// The verifier of sign-in links, whose secret also signs the session cookie. Without one, or
    /// without a secret, `createSession` is a 501.
    pub sign_in: Option<Verifier>,
}

impl ApiOptions {
    /// Settings for a server with this model provider that browsers see under this origin.
    #[must_use]
    pub fn new(provider: impl Into<Cow<'static, str>>, public_url: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            models: Vec::new(),
            public_url: public_url.into(),
            base_path: BasePath::default(),
            cors_origins: Vec::new(),
            chatkit_allow_cancel: true,
            metrics: None,
            deleted_ttl: Duration::from_secs(30 * 24 * 60 * 60),
            sign_in: None,
        }
    }

    /// Lets callers choose one of these models. The first is the default.
    #[must_use]
    pub fn with_models(mut self, models: impl IntoIterator<Item = String>) -> Self {
        self.models = models.into_iter().collect();
        self
    }

    /// Sets the path under which clients see the API.
    ///
    /// The router answers a request with or without this prefix. So it makes no difference whether
    /// a proxy, or axum's `nest_service`, removes the prefix. All paths that the server writes
    /// (`Location`, the cookie's path, links) start with the prefix.
    #[must_use]
    pub fn with_base_path(mut self, base_path: BasePath) -> Self {
        self.base_path = base_path;
        self
    }

    /// Lets pages of these origins call the API with credentials.
    #[must_use]
    pub fn with_cors_origins(mut self, origins: impl IntoIterator<Item = String>) -> Self {
        self.cors_origins = origins.into_iter().collect();
        self
    }

    /// Sets whether a disconnecting ChatKit client stops its run. The default is `true`.
    #[must_use]
    pub fn with_chatkit_allow_cancel(mut self, allow: bool) -> Self {
        self.chatkit_allow_cancel = allow;
        self
    }

    /// Serves these metrics at `/metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: MetricsSource) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Sets how long a deleted conversation can be restored. The default is 30 days.
    #[must_use]
    pub fn with_deleted_ttl(mut self, ttl: Duration) -> Self {
        self.deleted_ttl = ttl;
        self
    }

    /// Lets users sign in by links whose tokens this verifier accepts.
    #[must_use]
    pub fn with_sign_in(mut self, verifier: Verifier) -> Self {
        self.sign_in = Some(verifier);
        self
    }

    /// The origins whose pages may act for a signed-in user.
    pub fn trusted_origins(&self) -> impl Iterator<Item = String> {
        let own = std::iter::once(&self.public_url).filter(|url| !url.is_empty());
        own.chain(&self.cors_origins).cloned()
    }
}
