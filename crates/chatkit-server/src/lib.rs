//! The chatkit server as a library: stored conversations behind an HTTP API.
//!
//! [`App::builder`] assembles a server from its [`Settings`] and from parts of your own: a
//! [`Provider`], an [`Authenticator`], [`Stores`], tools, a [`Responder`]. The server then listens
//! by itself ([`AppBuilder::start`]), or is a part of your application ([`AppBuilder::build`]).
//! `examples/embed` is a small application of this kind.
//!
//! # Features
//!
//! All of them are on by default.
//!
//! - `cli`: the binary, with its command line, its log, and its recorder of metrics.
//! - `sqlite`, `postgres`: the databases.
//! - `openai`: the provider for OpenAI-compatible APIs.
//! - `rules`: the built-in rules, which answer if no model is configured.

mod agent_options;
mod api_options;
mod app;
mod builder;
pub mod config;
mod database;
mod embedded;
mod listener;
pub mod local;
mod metrics;
mod parts;
mod provider;
#[cfg(feature = "cli")]
pub mod recorder;
pub mod shutdown;
#[cfg(feature = "cli")]
pub mod telemetry;
mod tokens;

pub use chatkit_agent as agent;
pub use chatkit_agent::{Reply, Responder, ResponderError, Turn, provider::Provider};
pub use chatkit_domain as domain;
pub use chatkit_domain::{Caller, InvalidValue, UserId};
pub use chatkit_http::{
    ApiService, ApiState, AuthFailure, Authenticator, BasePath, JwtAuthenticator, TrustedOrigins,
    Verifier, VerifierOptions,
};
pub use chatkit_protocol as protocol;
pub use chatkit_repository::Stores;
pub use chatkit_tools as tools;
pub use chatkit_tools::{Tool, ToolContext, ToolError, ToolRegistry};

pub use app::App;
pub use builder::AppBuilder;
pub use config::Settings;
pub use database::erase;
pub use embedded::Embedded;
pub use tokens::verifier_options;
