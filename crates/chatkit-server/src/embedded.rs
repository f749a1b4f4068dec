//! A server without a listener, for use in another application.

use std::time::Duration;

use chatkit_agent::Agent;
use chatkit_domain::Repositories;
use chatkit_http::{ApiService, ApiState};
use chatkit_web::Pages;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::shutdown;

/// A server without a listener, for use in another application. Cheap to clone. All clones are the
/// same server. [`AppBuilder::build`](crate::AppBuilder::build) makes one.
///
/// To stop it gracefully, call [`shutdown`](Self::shutdown) while your application still answers
/// requests, and [`close`](Self::close) after that.
#[derive(Clone, Debug)]
pub struct Embedded {
    pub(crate) state: ApiState,
    pub(crate) agent: Agent,
    pub(crate) repositories: Repositories,
    pub(crate) pages: Option<Pages>,
}

impl Embedded {
    /// Makes a `tower` service of the server, for example for axum's `nest_service`. Clone the
    /// service rather than making a second one.
    #[must_use]
    pub fn service(&self) -> ApiService {
        let state = self.state.clone();
        match self.pages.clone() {
            Some(pages) => ApiService::new(chatkit_http::router_with_pages(state, pages)),
            None => ApiService::new(chatkit_http::router(state)),
        }
    }

    /// The state of the API.
    #[must_use]
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// The agent, which starts and follows runs without HTTP.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Refuses new turns, and waits until all active runs have ended. Runs that take longer than
    /// `grace` are interrupted. Other requests are still answered.
    pub async fn shutdown(&self, grace: Duration) {
        self.state.drain();
        self.agent.shutdown(grace).await;
    }

    /// Waits for SIGTERM or SIGINT, and then [shuts down](Self::shutdown), for example for axum's
    /// `with_graceful_shutdown`. Active answers must end first, because their streams keep the
    /// connections of an HTTP server open.
    pub async fn shutdown_on_signal(self, grace: Duration) {
        if let Err(error) = shutdown::requested().await {
            tracing::error!(
                error = &*error as &dyn std::error::Error,
                "could not listen for the signals to stop"
            );
            std::future::pending::<()>().await;
        }
        self.shutdown(grace).await;
    }

    /// Closes the connections to the database. No request may follow.
    pub async fn close(self) {
        self.repositories.maintenance.close().await;
    }

    /// Answers the requests of a listener.
    pub(crate) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let state = self.state;
        match self.pages {
            Some(pages) => {
                let router = chatkit_http::router_with_pages(state, pages);
                chatkit_http::serve(listener, router, stop).await;
            }
            None => chatkit_http::serve(listener, chatkit_http::router(state), stop).await,
        }
    }
}
