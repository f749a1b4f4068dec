//! Converts errors of other layers to errors of the API.

use chatkit_agent::AgentError;
use chatkit_domain::RepositoryError;

use super::error::ApiError;
use crate::auth::failure::AuthFailure;

impl From<AuthFailure> for ApiError {
    fn from(failure: AuthFailure) -> Self {
        let (detail, challenge) = match failure {
            AuthFailure::Missing => ("Not authenticated", "Bearer".to_owned()),
            AuthFailure::Expired => ("Token expired", challenge("the token has expired")),
            AuthFailure::Invalid(reason) => ("Invalid token", challenge(&reason)),
            AuthFailure::ForeignOrigin => return Self::ForeignOrigin,
            AuthFailure::Unavailable(cause) => return Self::Unavailable(cause),
        };
        Self::Unauthorized { detail, challenge }
    }
}

/// A challenge with an error (RFC 6750 section 3).
fn challenge(description: &str) -> String {
    // The characters that RFC 6750 allows in a description.
    let is_allowed = |c: &char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    let description: String = description.chars().filter(is_allowed).collect();
    format!("Bearer error=\"invalid_token\", error_description=\"{description}\"")
}

impl From<ApiError> for poem::Error {
    fn from(error: ApiError) -> Self {
        let status = error.status();
        Self::new(error, status)
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::NotFound(resource) => Self::NotFound(resource),
            RepositoryError::RunActive { run_id } => Self::RunActive(run_id),
            RepositoryError::TooManyRuns => Self::TooManyRuns,
            RepositoryError::WrongMessage => Self::WrongMessage,
            RepositoryError::KeyReused => Self::KeyReused,
            // Only runs write items, and the turns handle these.
            error @ (RepositoryError::RunLost | RepositoryError::TooLarge) => Self::internal(error),
            RepositoryError::Unavailable(cause) => Self::Unavailable(cause),
            RepositoryError::Failed(cause) => Self::Internal(cause),
        }
    }
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Repository(error) => error.into(),
            AgentError::Draining => Self::Draining,
            AgentError::Busy => Self::Busy,
            AgentError::Lost => Self::Unavailable(Box::new(AgentError::Lost)),
        }
    }
}
