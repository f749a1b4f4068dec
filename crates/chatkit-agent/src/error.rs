//! The errors of the agent's API.

use chatkit_domain::RepositoryError;

/// The reason why a run did not start, or why this process does not know its end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The repository returned an error.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The process is stopping and accepts no new runs.
    #[error("the server is stopping")]
    Draining,
    /// The process has reached its limit of active runs.
    #[error("the server has too many active runs")]
    Busy,
    /// Another process took the run. The repositories have its state.
    #[error("another process took the run")]
    Lost,
}
