//! Answers a run: gives the conversation to a model, calls the tools it asks for, and keeps what
//! happened.
//!
//! [`Agent`] is what a service embeds. A run belongs to the agent's own task, not to the request
//! that began it: a client that leaves ends nothing. Nothing is remembered between two runs; the
//! history is read from the repositories on every turn. A [`Responder`] answers in the agent's place,
//! or shows something before it does.

mod agent;
mod emitter;
mod engine;
mod feed;
mod follower;
mod journal;
mod metrics;
pub mod provider;
mod respond;
mod responder;
mod run_log;
mod settings;
mod start;
mod sweep;
mod thinking;
pub mod thread;
mod tool_round;
mod transcript;
mod turn;

pub use agent::{Agent, AgentParts};
pub use follower::{Cut, Follower};
pub use responder::{AgentResponder, Reply, Responder, ResponderError};
pub use settings::AgentSettings;
pub use start::{
    AgentError, EndedRun, FailureDetails, RunOptions, StartInput, StartRun, Started, StartedRun,
};
pub use turn::{ImageWriter, MessageWriter, Turn, WidgetWriter, WorkflowWriter};
