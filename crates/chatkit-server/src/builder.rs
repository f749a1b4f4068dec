//! Assembles a server from settings and the parts of an application.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use anyhow::{Context, bail};
use chatkit_agent::{Responder, provider::Provider};
use chatkit_http::{Authenticator, MetricsSource};
use chatkit_repository::Stores;
use chatkit_tools::ToolRegistry;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    config::Settings,
    embedded::Embedded,
    listener::{bind, is_private},
    metrics::Metrics,
    parts::{OwnParts, Parts},
    provider::OwnProvider,
};

impl App {
    /// Starts to assemble a server with these settings.
    pub fn builder(settings: Settings) -> AppBuilder {
        AppBuilder {
            settings,
            own: OwnParts::default(),
            metrics: None,
        }
    }
}

/// Assembles a server from settings and parts of your own. [`App::builder`] makes one.
#[derive(Debug)]
#[must_use = "a builder does nothing until `start` or `build` is called"]
pub struct AppBuilder {
    settings: Settings,
    own: OwnParts,
    metrics: Option<Metrics>,
}

impl AppBuilder {
    /// Uses this provider instead of the one that the settings name. `getInfo` shows its
    /// name. The models that callers may choose come from the settings. If these name no default
    /// model, it has the provider's name.
    pub fn provider(
        mut self,
        name: impl Into<Cow<'static, str>>,
        provider: Arc<dyn Provider>,
    ) -> Self {
        let name = name.into();
        self.own.provider = Some(OwnProvider { name, provider });
        self
    }

    /// Finds callers with this authenticator instead of JSON Web Tokens. No secret is then needed,
    /// and `createSession` is a 501.
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.own.authenticator = Some(authenticator);
        self
    }

    /// Uses these stores instead of the database that the settings name. A server that
    /// stops closes these stores.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.own.stores = Some(stores);
        self
    }

    /// Gives the model these tools, besides the task tools.
    pub fn tools(mut self, tools: ToolRegistry) -> Self {
        self.own.tools = tools;
        self
    }

    /// Leaves out the built-in task tools.
    pub fn without_task_tools(mut self) -> Self {
        self.own.has_task_tools = false;
        self
    }

    /// Asks this responder first in every turn.
    pub fn responder(mut self, responder: Arc<dyn Responder>) -> Self {
        self.own.responder = responder;
        self
    }

    /// Serves the metrics of your recorder at `/metrics`, in the format of Prometheus. Only servers
    /// that [`start`](Self::start) returns serve them.
    pub fn metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.metrics = Some(Metrics::new(render));
        self
    }

    /// Leaves out the chat page and the widget.
    pub fn without_pages(mut self) -> Self {
        self.own.has_pages = false;
        self
    }

    /// Opens the database, migrates it if the settings ask for that, and starts to listen.
    ///
    /// # Errors
    /// When the settings contradict each other, a required secret is missing, a tool has the name
    /// of a task tool, the database cannot be reached, or the address is in use.
    pub async fn start(self) -> anyhow::Result<App> {
        let settings = self.settings.clone();
        let parts = Parts::new(self.settings, self.own).await?;
        let (listener, address) = bind("LISTEN_ADDR", settings.listen_addr).await?;
        let metrics = self.metrics.map(|own| own.source(&parts.repositories));
        let stop = CancellationToken::new();
        let mut listeners = JoinSet::new();
        let (metrics_address, metrics) = match settings.metrics_addr {
            Some(address) => {
                let address = serve_metrics(address, metrics, &mut listeners, &stop).await?;
                (Some(address), None)
            }
            None => (None, metrics.filter(|_| is_private(&settings, address))),
        };
        let server = parts.into_server(Some(address), metrics)?;
        listeners.spawn(server.clone().serve(listener, stop.clone()));
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        Ok(App {
            server,
            address,
            metrics_address,
            stop,
            listeners,
            delay: settings.shutdown_delay,
            grace: settings.shutdown_grace,
        })
    }

    /// Opens the database, migrates it if the settings ask for that, and returns a server for
    /// your own listener.
    ///
    /// The chat page works only without a [`base_path`](Settings::base_path); the widget works with
    /// one.
    ///
    /// # Errors
    /// As for [`start`](Self::start). Also when there is no authenticator, and no secret and no
    /// `jwks_url` either, or no [`public_url`](Settings::public_url): tokens also come in cookies,
    /// so the server must know its own origin.
    pub async fn build(self) -> anyhow::Result<Embedded> {
        let settings = &self.settings;
        let has_keys = settings.secret.is_some() || settings.jwks_url.is_some();
        if self.own.authenticator.is_none() {
            if !has_keys {
                bail!("set a secret or a JWKS_URL, or bring an authenticator");
            }
            if settings.public_url.is_none() {
                bail!("set public_url, the origin at which browsers see the server");
            }
        }
        let parts = Parts::new(self.settings, self.own).await?;
        parts.into_server(None, None)
    }
}

/// Serves `/metrics` at a separate address.
async fn serve_metrics(
    address: SocketAddr,
    metrics: Option<MetricsSource>,
    listeners: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let metrics = metrics.context("METRICS_ADDR is set, but the application has no metrics")?;
    let (listener, address) = bind("METRICS_ADDR", address).await?;
    let router = chatkit_http::metrics_router(&metrics);
    listeners.spawn(chatkit_http::serve(listener, router, stop.clone()));
    tracing::info!(%address, "serving metrics");
    Ok(address)
}
