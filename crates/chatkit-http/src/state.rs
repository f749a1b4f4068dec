//! What every handler can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chatkit_agent::Agent;
use chatkit_domain::{Clock, Repositories};

use crate::{auth::Verifier, metrics::MetricsSource};

/// What the API needs to know about its server.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// `openai` or `rules`.
    pub provider: ProviderName,
    /// The models that a caller may choose, the default one first.
    pub models: Vec<String>,
    /// The origin under which browsers see the server, such as `https://chat.example.com`.
    pub public_url: String,
    /// Origins whose pages may call the API with credentials, exactly as browsers send them.
    pub cors_origins: Vec<String>,
    /// Whether a ChatKit client that leaves stops its answer, and may offer to.
    pub chatkit_allow_cancel: bool,
    /// What `/metrics` shows; without it there is no such path.
    pub metrics: Option<MetricsSource>,
    /// For how long a deleted conversation can be restored.
    pub deleted_ttl: std::time::Duration,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, poem_openapi::Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum ProviderName {
    /// An OpenAI-compatible API.
    Openai,
    /// The built-in rules: no model is configured.
    Rules,
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    agent: Agent,
    repositories: Repositories,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
    options: ApiOptions,
    draining: AtomicBool,
}

impl ApiState {
    /// The state over these parts.
    #[must_use]
    pub fn new(
        agent: Agent,
        repositories: Repositories,
        verifier: Verifier,
        clock: Arc<dyn Clock>,
        options: ApiOptions,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                agent,
                repositories,
                verifier,
                clock,
                options,
                draining: AtomicBool::new(false),
            }),
        }
    }

    /// Makes readiness say no, so that load balancers look elsewhere. Requests are still
    /// answered.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.shared.agent
    }

    pub(crate) fn repositories(&self) -> &Repositories {
        &self.shared.repositories
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.shared.verifier
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    pub(crate) fn options(&self) -> &ApiOptions {
        &self.shared.options
    }
}
