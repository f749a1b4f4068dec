//! The state that every handler can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chatkit_agent::Agent;
use chatkit_domain::{Clock, Repositories};

use crate::{auth::authenticator::Authenticator, options::ApiOptions};

/// The state that every handler can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState {
    parts: Arc<ApiParts>,
}

#[derive(Debug)]
struct ApiParts {
    agent: Agent,
    repositories: Repositories,
    authenticator: Arc<dyn Authenticator>,
    clock: Arc<dyn Clock>,
    options: ApiOptions,
    draining: AtomicBool,
}

impl ApiState {
    /// The state with these parts.
    #[must_use]
    pub fn new(
        agent: Agent,
        repositories: Repositories,
        authenticator: Arc<dyn Authenticator>,
        clock: Arc<dyn Clock>,
        mut options: ApiOptions,
    ) -> Self {
        if options.models.is_empty() {
            options.models.push(agent.settings().model.clone());
        }
        Self {
            parts: Arc::new(ApiParts {
                agent,
                repositories,
                authenticator,
                clock,
                options,
                draining: AtomicBool::new(false),
            }),
        }
    }

    /// Makes `/health/ready` fail, so that load balancers choose another process. Requests are
    /// still answered.
    pub fn drain(&self) {
        self.parts.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.parts.draining.load(Ordering::Acquire)
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.parts.agent
    }

    pub(crate) fn repositories(&self) -> &Repositories {
        &self.parts.repositories
    }

    pub(crate) fn authenticator(&self) -> &dyn Authenticator {
        &*self.parts.authenticator
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    pub(crate) fn options(&self) -> &ApiOptions {
        &self.parts.options
    }

    /// A path of the API as clients see it.
    pub(crate) fn public_path(&self, path: &str) -> String {
        format!("{}{path}", self.options().base_path)
    }
}
