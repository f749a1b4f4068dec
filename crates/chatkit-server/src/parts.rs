//! Assembles a server from its parts.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use chatkit_agent::{Agent, AgentParts, AgentResponder, Responder};
use chatkit_domain::{Clock, Repositories, SystemClock, TaskRepository};
use chatkit_http::{ApiState, Authenticator, JwtAuthenticator, MetricsSource, Verifier};
use chatkit_repository::Stores;
use chatkit_tools::ToolRegistry;

use crate::{
    agent_options::agent_settings,
    api_options::{api_options, pages},
    config::Settings,
    database,
    embedded::Embedded,
    provider::{self, Models, OwnProvider},
    tokens,
};

/// The parts that an application brings. The settings choose the missing ones.
#[derive(Debug)]
pub(crate) struct OwnParts {
    pub(crate) provider: Option<OwnProvider>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) stores: Option<Stores>,
    pub(crate) tools: ToolRegistry,
    pub(crate) has_task_tools: bool,
    pub(crate) responder: Arc<dyn Responder>,
    pub(crate) has_pages: bool,
}

impl Default for OwnParts {
    fn default() -> Self {
        Self {
            provider: None,
            authenticator: None,
            stores: None,
            tools: ToolRegistry::default(),
            has_task_tools: true,
            responder: Arc::new(AgentResponder),
            has_pages: true,
        }
    }
}

/// The parts of a server that do not depend on its address.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) repositories: Repositories,
    agent: Agent,
    provider_name: Cow<'static, str>,
    models: Models,
    callers: Callers,
    clock: Arc<dyn Clock>,
    has_pages: bool,
}

/// The source of callers.
enum Callers {
    Own(Arc<dyn Authenticator>),
    WithToken(Verifier),
}

impl Parts {
    /// Opens the database and starts the agent.
    pub(crate) async fn new(settings: Settings, own: OwnParts) -> anyhow::Result<Self> {
        let callers = match own.authenticator {
            Some(authenticator) => Callers::Own(authenticator),
            None => Callers::WithToken(tokens::verifier(&settings)?),
        };
        let chosen = provider::choose(&settings, own.provider)?;
        let Stores {
            repositories,
            tasks,
            ..
        } = match own.stores {
            Some(stores) => stores,
            None => database::open(&settings).await?,
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let agent = AgentParts {
            repositories: repositories.clone(),
            provider: chosen.provider,
            tools: tools(own.tools, own.has_task_tools, &tasks)?,
            responder: own.responder,
            clock: clock.clone(),
        };
        let default_model = chosen.models.default.clone();
        let agent = Agent::new(agent_settings(&settings, default_model)?, agent).await?;
        Ok(Self {
            settings,
            repositories,
            agent,
            provider_name: chosen.name,
            models: chosen.models,
            callers,
            clock,
            has_pages: own.has_pages,
        })
    }

    /// Assembles the server that browsers see at this address.
    pub(crate) fn into_server(
        self,
        address: Option<SocketAddr>,
        metrics: Option<MetricsSource>,
    ) -> anyhow::Result<Embedded> {
        let models = self.models.into_names();
        let mut options = api_options(&self.settings, self.provider_name, models, address)?;
        options.metrics = metrics;
        let authenticator: Arc<dyn Authenticator> = match self.callers {
            Callers::Own(authenticator) => authenticator,
            Callers::WithToken(verifier) => {
                options = options.with_sign_in(verifier.clone());
                let tokens = JwtAuthenticator::new(verifier, self.clock.clone());
                Arc::new(tokens.with_trusted_origins(options.trusted_origins()))
            }
        };
        let state = ApiState::new(
            self.agent.clone(),
            self.repositories.clone(),
            authenticator,
            self.clock,
            options,
        );
        Ok(Embedded {
            state,
            agent: self.agent,
            repositories: self.repositories,
            pages: self.has_pages.then(|| pages(&self.settings)),
        })
    }
}

/// Returns the application's tools, and the task tools unless they are left out.
fn tools(
    mut tools: ToolRegistry,
    has_task_tools: bool,
    tasks: &Arc<dyn TaskRepository>,
) -> anyhow::Result<ToolRegistry> {
    if has_task_tools {
        chatkit_tools::tasks::register(&mut tools, tasks)?;
    }
    Ok(tools)
}
