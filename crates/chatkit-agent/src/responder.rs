//! Responders, the code of an embedding service that answers turns.

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
    /// Answers a turn with the methods of [`Turn`], and returns when the turn is over.
    ///
    /// The future is dropped if the user stops the run, if `RUN_TIMEOUT` has passed, or if the run
    /// is lost. Unfinished messages are then stored as incomplete, except for a lost run.
    ///
    /// # Errors
    /// [`ResponderError`] ends the turn. Finished items stay, and unfinished ones are dropped.
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError>;

    /// Whether the responder sets titles. If not, the first message sets the title.
    fn names_conversations(&self) -> bool {
        false
    }
}

/// The result of a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The responder has answered the turn.
    Done,
    /// The agent must answer the turn, after the items of the responder.
    ByAgent,
}

/// A responder that leaves every turn to the agent, which uses a model with tools.
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
    /// The responder refuses, and the user sees the reason.
    #[error("the responder refused: {message}")]
    Refused {
        /// The reason, which must be safe to show.
        message: String,
        /// Whether clients offer to retry.
        allow_retry: bool,
    },
    /// The responder failed. The user sees a generic message.
    #[error("the responder failed")]
    Failed {
        /// Whether clients offer to retry.
        allow_retry: bool,
        /// The cause, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A method of the turn failed.
    #[error(transparent)]
    Turn(#[from] TurnError),
}

impl ResponderError {
    /// Creates a failure after which clients offer to retry.
    #[must_use]
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed {
            allow_retry: true,
            source: source.into(),
        }
    }
}
