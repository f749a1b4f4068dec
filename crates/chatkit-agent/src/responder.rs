//! How an embedding service answers its own way.

use async_trait::async_trait;
use chatkit_domain::RepositoryError;

use crate::turn::Turn;

/// Answers turns, of whichever dialect. Without one of its own, an embedding service has
/// [`AgentResponder`].
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
    /// Answers a turn: says and shows what it wants by the [`Turn`], and returns when there is
    /// nothing more. It is dropped in the middle when the user stops it, when its time is over
    /// (`RUN_TIMEOUT`) and when the run is lost; what was begun and not done then is kept only of
    /// messages that the user stopped.
    ///
    /// # Errors
    /// [`ResponderError`] ends the turn: what was done stays, what was begun is dropped.
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError>;

    /// Whether it names threads itself, so that none is named after its first message.
    fn names_conversations(&self) -> bool {
        false
    }
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is answered.
    Done,
    /// The agent is to answer it, behind what was told already.
    ByAgent,
}

/// Lets the agent answer: a model, with its tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentResponder;

#[async_trait]
impl Responder for AgentResponder {
    async fn respond(&self, _: &Turn<'_>) -> Result<Reply, ResponderError> {
        Ok(Reply::ByAgent)
    }
}

/// Why a turn is not answered.
#[derive(Debug, thiserror::Error)]
pub enum ResponderError {
    /// For a reason that the user is told.
    #[error("the responder refused: {message}")]
    Refused {
        /// The reason, safe to show.
        message: String,
        /// Whether the client offers to try again.
        allow_retry: bool,
    },
    /// For one that they are not: clients have words for it.
    #[error("the responder failed")]
    Failed {
        /// Whether the client offers to try again.
        allow_retry: bool,
        /// The reason, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something could not be kept or read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl ResponderError {
    /// A failure that may pass, for this reason.
    #[must_use]
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed {
            allow_retry: true,
            source: source.into(),
        }
    }
}
