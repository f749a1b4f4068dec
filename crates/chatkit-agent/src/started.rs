//! Runs that the agent has started.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{Message, NumberedEvent, Run};
use tokio::sync::oneshot;

use crate::{
    error::AgentError,
    log::follower::{Cut, Follower},
    provider::{FinishReason, ProviderError},
};

/// The result of starting a run.
#[derive(Debug)]
pub enum Started {
    /// A new run.
    New(Box<StartedRun>),
    /// The existing run with the caller's key. It may be active or ended.
    Known(Box<Run>),
}

/// A run that has started. The user's message is stored.
#[derive(Debug)]
pub struct StartedRun {
    /// The run.
    pub run: Run,
    /// The user's message.
    pub user_message: Message,
    pub(crate) follower: Follower,
    pub(crate) finished: oneshot::Receiver<EndedRun>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct EndedRun {
    /// The run.
    pub run: Run,
    /// The answer, if one was stored.
    pub assistant_message: Option<Message>,
    /// The reason why the model ended its answer.
    pub finish_reason: FinishReason,
    /// The total time spent waiting for the model.
    pub model_time: Duration,
    /// Details of a failure that help the caller.
    pub failure: FailureDetails,
}

/// Details of a failed run that help the caller. Only the process that answered the run has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureDetails {
    /// The delay that the model's server requested before a retry.
    pub retry_after: Option<Duration>,
    /// The parameter of the caller's [`Sampling`](crate::provider::Sampling) that the model
    /// refused.
    pub refused_parameter: Option<&'static str>,
}

impl FailureDetails {
    pub(crate) fn of(error: &ProviderError) -> Self {
        match error {
            ProviderError::Overloaded { retry_after } => Self {
                retry_after: *retry_after,
                refused_parameter: None,
            },
            ProviderError::ParameterRefused { parameter } => Self {
                retry_after: None,
                refused_parameter: Some(parameter),
            },
            _ => Self::default(),
        }
    }
}

impl StartedRun {
    /// Returns the next events of the run in order, and each only once. Returns `None` after the
    /// run's end, or if this process cannot know the remaining events.
    pub async fn next_events(&mut self) -> Option<Vec<Arc<NumberedEvent>>> {
        loop {
            match self.follower.next().await {
                Ok(events) => return events,
                // The repositories have the missed events.
                Err(Cut::Slow) => {}
                Err(Cut::Draining | Cut::Unavailable) => return None,
            }
        }
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    /// [`AgentError::Lost`] if another process took the run.
    pub async fn finished(self) -> Result<EndedRun, AgentError> {
        self.finished.await.map_err(|_| AgentError::Lost)
    }
}
