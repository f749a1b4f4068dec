//! The HTTP API: the published contract, the routes, and the listener.
//!
//! [`document`] returns the contract as text, from the types alone. [`router`] returns the whole
//! API as one endpoint. Serve it with [`serve`], nest it in a poem application, or make a `tower`
//! service of it with [`ApiService`].

mod auth;
mod base_path;
mod body;
mod chatkit;
mod chatkit_or_completion;
mod completions;
mod contract;
mod docs;
mod health;
mod json;
mod metrics;
mod middleware;
mod options;
mod payload;
mod problem;
mod rest;
mod routes;
mod serve;
mod service;
mod sse;
mod state;
mod turns;

pub use auth::{
    authenticator::Authenticator,
    cookie::TrustedOrigins,
    failure::AuthFailure,
    issue::{issue_sign_in_token, issue_token},
    jwt::JwtAuthenticator,
    token_error::TokenError,
    verifier::{Verifier, VerifierOptions},
};
pub use base_path::BasePath;
pub use contract::document::document;
pub use metrics::{MetricsSource, metrics_router};
pub use options::ApiOptions;
pub use routes::{UnpublishedRoute, router, router_with_pages, unpublished_routes};
pub use serve::serve;
pub use service::ApiService;
pub use state::ApiState;
