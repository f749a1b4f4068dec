//! Responders: code of an embedding service that answers turns.

use async_trait::async_trait;

use crate::turn::{Turn, error::TurnError};

/// Answers turns of every dialect. [`AgentResponder`], the default, leaves them to the agent.
///
/// ```
/// use chatkit_agent::{Reply, Responder, ResponderError, Turn};
/// use chatkit_protocol::widget::build::{card, text};
///
/// #[derive(Debug)]
/// struct Weather;
///
/// #[async_trait::async_trait]
/// impl Responder for Weather {
///     async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
///         if !turn.user_message().content.contains("weather") {
///             return Ok(Reply::ByAgent);
///         }
///         turn.progress("Looking out of the window", None);
///         turn.widget(card([text("Sunny")]).widget(), None).await?;
///         let mut answer = turn.message();
///         answer.text("It is ");
///         answer.text("sunny.");
///         answer.done().await?;
///         Ok(Reply::Done)
///     }
/// }
/// ```
#[async_trait]
pub trait Responder: std::fmt::Debug + Send + Sync {
    /// Answers a turn by the methods of [`Turn`], and returns when the turn is over.
    ///
    /// The future is dropped if the user stops the run, if `RUN_TIMEOUT` has passed, and if the run
    /// is lost. Unfinished messages are then stored as incomplete, except for a lost run.
    ///
    /// # Errors
    /// [`ResponderError`] ends the turn. Finished items stay, unfinished ones are dropped.
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError>;

    /// Whether the responder sets titles itself, so that the first message does not.
    fn names_conversations(&self) -> bool {
        false
    }
}

/// The result of a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The turn is answered.
    Done,
    /// The agent must answer the turn, after what the responder has written.
    ByAgent,
}

/// Leaves every turn to the agent: a model with tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentResponder;

#[async_trait]
impl Responder for AgentResponder {
    async fn respond(&self, _: &Turn<'_>) -> Result<Reply, ResponderError> {
        Ok(Reply::ByAgent)
    }
}

/// The reason why a responder did not answer a turn.
#[derive(Debug, thiserror::Error)]
pub enum ResponderError {
    /// The responder refuses, for a reason that the user sees.
    #[error("the responder refused: {message}")]
    Refused {
        /// The reason, safe to show.
        message: String,
        /// Whether clients offer to retry.
        allow_retry: bool,
    },
    /// The responder failed. The user sees a general message.
    #[error("the responder failed")]
    Failed {
        /// Whether clients offer to retry.
        allow_retry: bool,
        /// The reason, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something could not be emitted, stored or read.
    #[error(transparent)]
    Turn(#[from] TurnError),
}

impl ResponderError {
    /// A failure after which clients offer to retry.
    #[must_use]
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed {
            allow_retry: true,
            source: source.into(),
        }
    }
}
