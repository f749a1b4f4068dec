//! Answers runs. The agent sends the conversation to a model, calls the tools that the model
//! requests, and stores the results.
//!
//! [`Agent`] is the API for embedding services. A run belongs to a task of the agent and not to the
//! request that started it, so it continues if the client disconnects. The agent keeps no state
//! between two runs. It reads the history from the repositories in every turn. A [`Responder`] can
//! answer instead of the agent, or show something first.

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
