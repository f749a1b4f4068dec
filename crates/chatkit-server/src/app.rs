//! The only place that names every implementation.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use chatkit_agent::{
    Agent, AgentParts, AgentResponder, AgentSettings, Responder,
    provider::{
        Provider,
        openai::{OpenAiApi, OpenAiOptions, OpenAiProvider, RefusedForms},
    },
};
use chatkit_domain::{Clock, Erased, Repositories, SystemClock, TaskRepository, UserId};
use chatkit_http::{
    ApiOptions, ApiState, JwtAuthenticator, MetricsSource, Verifier, VerifierOptions,
};
use chatkit_repository::{DatabaseOptions, Stores};
use chatkit_rules::RulesProvider;
use chatkit_tools::ToolRegistry;
use chatkit_web::Pages;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use url::{Host, Url};

use crate::{
    config::{ModelApi, ModelFeature, ModelRoles, Origin, Settings},
    local, metrics,
};

/// What a service adds to the server.
#[derive(Clone, Debug)]
pub struct Extensions {
    /// Tools beside those that are built in.
    pub tools: ToolRegistry,
    /// What answers turns: the agent, if nothing else does.
    pub responder: Arc<dyn Responder>,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            tools: ToolRegistry::default(),
            responder: Arc::new(AgentResponder),
        }
    }
}

/// A server that answers.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    state: ApiState,
    agent: Agent,
    repositories: Repositories,
    stop: CancellationToken,
    /// The listeners and what they need.
    tasks: JoinSet<()>,
    delay: Duration,
    grace: Duration,
}

impl App {
    /// Opens the database, migrates it if asked to, and begins to listen. Installs the process's
    /// recorder of `metrics`, unless there is one.
    ///
    /// # Errors
    /// When the settings contradict each other, there is no secret where one is needed, the
    /// database cannot be reached, or the address is taken.
    pub async fn start(settings: &Settings) -> anyhow::Result<Self> {
        Self::start_with(settings, Extensions::default()).await
    }

    /// The same with what a service adds to it.
    ///
    /// # Errors
    /// Also when a tool has the name of a built-in one.
    pub async fn start_with(settings: &Settings, extensions: Extensions) -> anyhow::Result<Self> {
        let verifier = Verifier::new(verifier_options(settings)?)?;
        warn_of_any_audience(settings);
        let Stores {
            repositories,
            tasks: task_repository,
        } = open_database(settings).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let agent = agent(
            settings,
            &repositories,
            &task_repository,
            &clock,
            extensions,
        )
        .await?;
        let (listener, address) = bind("LISTEN_ADDR", settings.listen_addr).await?;
        let metrics = metrics::source(&repositories)?;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let metrics_address = match settings.metrics_addr {
            Some(address) => Some(listen_for_metrics(address, &metrics, &stop, &mut tasks).await?),
            None => None,
        };
        let mut options = api_options(settings, address).with_sign_in(verifier.clone());
        if metrics_address.is_none() && is_private(settings, address) {
            options = options.with_metrics(metrics);
        }
        let authenticator = JwtAuthenticator::new(verifier, clock.clone())
            .with_trusted_origins(options.trusted_origins());
        let state = ApiState::new(
            agent.clone(),
            repositories.clone(),
            Arc::new(authenticator),
            clock,
            options,
        );
        let router = chatkit_http::router_with_pages(state.clone(), pages(settings));
        tasks.spawn(chatkit_http::serve(listener, router, stop.clone()));
        let upkeep = stop.clone();
        tasks.spawn(async move {
            upkeep.run_until_cancelled(metrics::keep_up()).await;
        });
        log_start(settings, address);
        Ok(Self {
            address,
            metrics_address,
            state,
            agent,
            repositories,
            stop,
            tasks,
            delay: settings.shutdown_delay,
            grace: settings.shutdown_grace,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` is, when it has a listener of its own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Stops in order: readiness says no at once, requests are still accepted for a while, then
    /// new turns are refused while active runs end, and the connections are closed last.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.state.drain();
        tokio::time::sleep(self.delay).await;
        self.agent.shutdown(self.grace).await;
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.repositories.maintenance.close().await;
        tracing::info!("stopped");
    }
}

fn log_start(settings: &Settings, address: SocketAddr) {
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    if settings.has_model() {
        tracing::info!(model = settings.openai_model, "a model answers");
    } else {
        tracing::warn!("no model is configured: the built-in rules answer");
    }
}

/// The chat page, for the frames in which it may be shown.
fn pages(settings: &Settings) -> Pages {
    let ancestors = settings.frame_ancestors.iter();
    let ancestors: Vec<String> = ancestors.map(|origin| origin.as_str().to_owned()).collect();
    Pages::new(&ancestors)
}

async fn agent(
    settings: &Settings,
    repositories: &Repositories,
    tasks: &Arc<dyn TaskRepository>,
    clock: &Arc<dyn Clock>,
    extensions: Extensions,
) -> anyhow::Result<Agent> {
    let Extensions {
        mut tools,
        responder,
    } = extensions;
    chatkit_tools::tasks::register(&mut tools, tasks)?;
    let parts = AgentParts {
        repositories: repositories.clone(),
        provider: provider(settings)?,
        tools,
        responder,
        clock: clock.clone(),
    };
    Ok(Agent::new(agent_settings(settings)?, parts).await?)
}

fn warn_of_any_audience(settings: &Settings) {
    if settings.jwks_url.is_some()
        && settings.jwt_issuer.is_none()
        && settings.jwt_audience.is_none()
    {
        tracing::warn!(
            "every token of the issuer is accepted, whatever it was made for: set JWT_ISSUER and \
             JWT_AUDIENCE"
        );
    }
}

/// Whether only programs of this machine are meant to reach the server: it listens to no others,
/// and no proxy is said to stand before it.
fn is_private(settings: &Settings, address: SocketAddr) -> bool {
    let is_of_here = |url: &Origin| match Url::parse(url.as_str()).ok().as_ref().map(Url::host) {
        Some(Some(Host::Domain(name))) => name == "localhost",
        Some(Some(Host::Ipv4(address))) => address.is_loopback(),
        Some(Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    };
    address.ip().is_loopback() && settings.public_url.as_ref().is_none_or(is_of_here)
}

/// Listens on the address that a setting names; port 0 becomes one that is free.
async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{setting}: could not listen on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Answers `/metrics` at an address of its own.
async fn listen_for_metrics(
    address: SocketAddr,
    metrics: &MetricsSource,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<SocketAddr> {
    let (listener, address) = bind("METRICS_ADDR", address).await?;
    let router = chatkit_http::metrics_router(metrics);
    tasks.spawn(chatkit_http::serve(listener, router, stop.clone()));
    tracing::info!(%address, "metrics");
    Ok(address)
}

/// Which tokens are accepted: of the configured secret, of published keys, or, with neither, of the
/// local secret.
///
/// # Errors
/// When there is neither and the server may not make a secret.
pub fn verifier_options(settings: &Settings) -> anyhow::Result<VerifierOptions> {
    let jwks_url = settings.jwks_url.as_ref();
    let secret = match settings.secret()? {
        Some(secret) => Some(secret.expose().to_owned()),
        None if jwks_url.is_some() => None,
        None => Some(local::secret(settings)?),
    };
    let mut options = VerifierOptions::new();
    options.secret = secret;
    options.jwks_url = jwks_url.map(|url| url.as_str().to_owned());
    options.issuer.clone_from(&settings.jwt_issuer);
    options.audience.clone_from(&settings.jwt_audience);
    Ok(options)
}

async fn open_database(settings: &Settings) -> anyhow::Result<Stores> {
    let url = settings.database_url.expose();
    if settings.auto_migrate {
        local::create_database(settings)?;
        chatkit_migration::up(url)
            .await
            .context("DATABASE_URL: the database cannot be opened")?;
    }
    connect(settings).await
}

/// Where processes tell each other that they live: beside a SQLite database, which may be all that
/// they share, and otherwise where this machine keeps what need not survive it.
fn locks(settings: &Settings) -> PathBuf {
    let Some(file) = settings.database_url.sqlite_file() else {
        return std::env::temp_dir();
    };
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Removes everything of one user for good; returns how many conversations and tasks that were.
///
/// # Errors
/// When the database cannot be reached.
pub async fn erase(settings: &Settings, user_id: &UserId) -> anyhow::Result<Erased> {
    let stores = connect(settings).await?;
    Ok(stores.repositories.maintenance.erase_user(user_id).await?)
}

async fn connect(settings: &Settings) -> anyhow::Result<Stores> {
    local::create_database(settings)?;
    chatkit_repository::connect(DatabaseOptions {
        url: settings.database_url.expose().to_owned(),
        pool: settings.database_pool,
        locks: locks(settings),
        schema: chatkit_migration::latest(),
    })
    .await
    .context("DATABASE_URL: the database cannot be opened")
}

fn api_options(settings: &Settings, address: SocketAddr) -> ApiOptions {
    let provider = if settings.has_model() {
        "openai"
    } else {
        "rules"
    };
    let public_url = settings.public_url.as_ref();
    let public_url = public_url.map_or_else(
        || format!("http://{address}"),
        |origin| origin.as_str().to_owned(),
    );
    let cors_origins = settings.cors_origins.iter();
    ApiOptions::new(provider, public_url)
        .with_models(models(settings))
        .with_cors_origins(cors_origins.map(|origin| origin.as_str().to_owned()))
        .with_chatkit_allow_cancel(settings.chatkit_allow_cancel)
        .with_deleted_ttl(settings.deleted_ttl)
}

/// The models that callers may choose, the default one first.
fn models(settings: &Settings) -> Vec<String> {
    if !settings.has_model() {
        return vec![AgentSettings::default().model];
    }
    let mut models = vec![settings.openai_model.clone()];
    for model in &settings.allowed_models {
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    models
}

/// Where OpenAI's own API is.
const OPENAI: &str = "https://api.openai.com/v1";

fn provider(settings: &Settings) -> anyhow::Result<Arc<dyn Provider>> {
    if !settings.has_model() {
        return Ok(Arc::new(RulesProvider));
    }
    let base_url = settings.openai_base_url.as_ref();
    let provider = OpenAiProvider::new(&OpenAiOptions {
        api: match settings.openai_api {
            ModelApi::ChatCompletions => OpenAiApi::ChatCompletions,
            ModelApi::Responses => OpenAiApi::Responses,
        },
        base_url: base_url.map_or(OPENAI, |url| url.as_str()).to_owned(),
        api_key: settings
            .openai_api_key
            .as_ref()
            .map(|key| key.expose().to_owned()),
        silence: settings.model_timeout,
        refused: RefusedForms {
            tools: settings.model_tools == ModelFeature::Off,
            stream_options: settings.model_stream_options == ModelFeature::Off,
            neighbors: settings.model_roles == ModelRoles::Alternate,
        },
    })?;
    Ok(Arc::new(provider))
}

fn agent_settings(settings: &Settings) -> anyhow::Result<AgentSettings> {
    let rules = AgentSettings::default();
    let model = if settings.has_model() {
        settings.openai_model.clone()
    } else {
        rules.model
    };
    Ok(AgentSettings {
        model,
        instructions: settings.instructions()?,
        max_runs_per_user: settings.max_runs_per_user,
        max_runs: settings.max_runs as usize,
        context_messages: settings.context_messages,
        context_chars: settings.context_chars,
        max_tool_rounds: settings.max_tool_rounds,
        max_tool_result_chars: settings.max_tool_result_chars,
        tool_timeout: settings.tool_timeout,
        model_timeout: settings.model_timeout,
        run_timeout: settings.run_timeout,
        max_answer_chars: settings.max_answer_chars,
        run_lease: settings.run_lease,
        deleted_ttl: settings.deleted_ttl,
    })
}
