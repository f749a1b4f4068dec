//! A server with its own listener.

use std::{net::SocketAddr, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::embedded::Embedded;

/// A running server with its own listener. [`App::builder`] starts one.
#[derive(Debug)]
pub struct App {
    pub(crate) server: Embedded,
    pub(crate) address: SocketAddr,
    pub(crate) metrics_address: Option<SocketAddr>,
    /// Closes the listeners.
    pub(crate) stop: CancellationToken,
    /// The listeners.
    pub(crate) listeners: JoinSet<()>,
    pub(crate) delay: Duration,
    pub(crate) grace: Duration,
}

impl App {
    /// The address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of `/metrics`, if it has a separate listener.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Stops the server gracefully. `/health/ready` fails at once, and requests are still accepted
    /// for [`shutdown_delay`](crate::Settings::shutdown_delay). Then new turns are refused while
    /// active runs end, and the connections are closed last.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.server.state().drain();
        tokio::time::sleep(self.delay).await;
        self.server.shutdown(self.grace).await;
        self.stop.cancel();
        while self.listeners.join_next().await.is_some() {}
        self.server.close().await;
        tracing::info!("stopped");
    }
}
