//! The reasons why the engine ends a run without a complete answer.

use chatkit_domain::{RepositoryError, RunError, RunErrorCode};

use crate::{log::journal::Stop, provider::ProviderError, turn::error::TurnError};

/// The reason why the engine's loop ended without an answer.
#[derive(Debug)]
pub(super) enum EngineFailure {
    /// A limit or an error, and its cause for the log.
    Run(
        RunErrorCode,
        Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// A failure of the model.
    Model(ProviderError),
    /// A request to stop.
    Stop(Stop),
}

impl From<ProviderError> for EngineFailure {
    fn from(error: ProviderError) -> Self {
        Self::Model(error)
    }
}

impl From<RepositoryError> for EngineFailure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::RunLost => Self::Stop(Stop::Lost),
            RepositoryError::Unavailable(_) => {
                Self::Run(RunErrorCode::Unavailable, Some(Box::new(error)))
            }
            error => Self::Run(RunErrorCode::Internal, Some(Box::new(error))),
        }
    }
}

impl From<TurnError> for EngineFailure {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Lost => Self::Stop(Stop::Lost),
            TurnError::Deleted => Self::Stop(Stop::Cancelled),
            TurnError::Unavailable(_) => {
                Self::Run(RunErrorCode::Unavailable, Some(Box::new(error)))
            }
            TurnError::NotAllowed | TurnError::TooLarge | TurnError::Failed(_) => {
                Self::Run(RunErrorCode::Internal, Some(Box::new(error)))
            }
        }
    }
}

/// Logs a failure.
pub(super) fn report(code: RunErrorCode, error: Option<&(dyn std::error::Error + 'static)>) {
    // A wrong setting fails every run until an operator corrects it, so it is logged as an error.
    if code == RunErrorCode::ModelUnavailable {
        tracing::error!(code = code.as_str(), error, "could not use the model");
    } else {
        tracing::warn!(code = code.as_str(), error, "could not complete the run");
    }
}

/// Converts a failure of the model to the error of the run.
pub(super) fn run_error(error: &ProviderError) -> RunError {
    let code = match error {
        ProviderError::Failed(_) | ProviderError::Rejected(_) => RunErrorCode::ModelFailed,
        ProviderError::Unavailable { .. } => RunErrorCode::ModelUnavailable,
        ProviderError::ContextTooLong => RunErrorCode::ContextTooLong,
        ProviderError::ContentFiltered => RunErrorCode::ContentFiltered,
        ProviderError::Overloaded { .. } => RunErrorCode::ModelOverloaded,
        ProviderError::TimedOut => RunErrorCode::ModelTimeout,
        ProviderError::ParameterRefused { parameter } => {
            return RunError {
                code: RunErrorCode::ModelFailed,
                message: format!("The model does not support the parameter {parameter}."),
            };
        }
    };
    RunError::new(code)
}
