//! Errors of the agent's API.

use chatkit_domain::RepositoryError;

/// The reason why a run did not start, or why its end is not known here.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The repositories refused.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The process is stopping and takes no new runs.
    #[error("the server is stopping")]
    Draining,
    /// The process answers as many runs as it may.
    #[error("the server has too many active runs")]
    Busy,
    /// Another process took the run. Its state is in the repositories.
    #[error("another process took the run")]
    Lost,
}
