//! Answers a run: gives the conversation to a model, calls the tools it asks for, and keeps what
//! happened.
//!
//! [`Agent`] is what a service embeds. A run belongs to the agent's own task, not to the request
//! that began it: a client that leaves ends nothing. Nothing is remembered between two runs; the
//! history is read from the repositories on every turn.

mod agent;
mod engine;
mod feed;
mod follower;
mod journal;
mod metrics;
pub mod provider;
mod run_log;
mod settings;
mod start;
mod sweep;
mod tool_round;
mod transcript;

pub use agent::Agent;
pub use follower::{Cut, Follower};
pub use settings::AgentSettings;
pub use start::{AgentError, EndedRun, RunOptions, StartInput, StartRun, Started, StartedRun};
