//! Answers runs: gives the conversation to a model, calls the tools it asks for, and stores what
//! happened.
//!
//! [`Agent`] is the API for embedding services. A run belongs to the agent's own task, not to the
//! request that started it, so a client that disconnects ends nothing. The agent remembers nothing
//! between two runs: it reads the history from the repositories on every turn. A [`Responder`] can
//! answer in the agent's place, or show something first.

mod agent;
mod core;
mod error;
mod log;
mod metrics;
pub mod provider;
mod request;
mod responder;
mod retry;
mod run;
mod settings;
mod started;
mod sweep;
pub mod thread;
mod transcript;
mod turn;

pub use agent::{Agent, AgentParts};
pub use error::AgentError;
pub use log::follower::{Cut, Follower};
pub use request::{RunOptions, StartInput, StartRun};
pub use responder::{AgentResponder, Reply, Responder, ResponderError};
pub use settings::AgentSettings;
pub use started::{EndedRun, FailureDetails, Started, StartedRun};
pub use turn::{ImageWriter, MessageWriter, Turn, WidgetWriter, WorkflowWriter, error::TurnError};
