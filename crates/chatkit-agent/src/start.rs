//! A run from the outside: how it is asked for, begun and ended.

use std::{collections::VecDeque, time::Duration};

use chatkit_domain::{
    Dialect, Idempotency, ItemId, Message, MessageDetails, MessageText, NumberedEvent,
    RepositoryError, Run, RunEvent, RunId, RunTarget,
};
use tokio::sync::oneshot;

use crate::{
    follower::{Cut, Follower},
    provider::{FinishReason, ProviderError, Sampling},
};

/// A run to start.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// Where it answers.
    pub target: RunTarget,
    /// What it answers.
    pub input: StartInput,
    /// The API by which it came.
    pub dialect: Dialect,
    /// The caller's key for this turn.
    pub idempotency: Option<Idempotency>,
    /// How it departs from the settings.
    pub options: RunOptions,
}

/// What a run answers.
#[derive(Clone, Debug)]
pub enum StartInput {
    /// What the user says now, and what its dialect keeps beside the text.
    Say(MessageText, Option<Box<MessageDetails>>),
    /// A user's message that is in the history.
    Again(ItemId),
}

/// How one run departs from the settings.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Another model than the default one.
    pub model: Option<String>,
    /// Instructions for this turn, behind those of the settings.
    pub instructions: String,
    /// The language of the user's interface (RFC 5646).
    pub locale: Option<String>,
    /// How the model should choose its words.
    pub sampling: Sampling,
    /// The tool that it has to begin with.
    pub tool: Option<String>,
}

/// What starting a run met.
#[derive(Debug)]
pub enum Started {
    /// A new run.
    New(Box<StartedRun>),
    /// The run that the caller's key stands for, active or ended.
    Known(Box<Run>),
}

/// A run that has begun: the user's message is stored.
#[derive(Debug)]
pub struct StartedRun {
    /// The run.
    pub run: Run,
    /// The user's message.
    pub user_message: Message,
    pub(crate) follower: Follower,
    pub(crate) spoken: Spoken,
    pub(crate) finished: oneshot::Receiver<EndedRun>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct EndedRun {
    /// The run.
    pub run: Run,
    /// Its answer, where one was kept.
    pub assistant_message: Option<Message>,
    /// Why the model ended its answer.
    pub finish_reason: FinishReason,
    /// How long the model was waited for.
    pub model_time: Duration,
    /// Details of a failure that help the caller.
    pub failure: FailureDetails,
}

/// Details of a failed run that help its caller. Only the process that answered the run has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureDetails {
    /// The delay that the model's server requests.
    pub retry_after: Option<Duration>,
    /// The parameter of the caller's [`Sampling`] that the model refuses.
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

/// Why a run did not begin, or its end is not known here.
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
    /// The run was taken from this process; its state stands in the repositories.
    #[error("the run was taken from this process")]
    Lost,
}

impl StartedRun {
    /// The next piece of the answer's text; `None` when no more will come. The pieces add up to
    /// the answer; where there are several, to all of them with a blank line between.
    pub async fn next_delta(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.spoken.pieces.pop_front() {
                return Some(text);
            }
            let run = self.run.id;
            for event in self.next_events().await? {
                self.spoken.hear(run, event.event);
            }
        }
    }

    /// The next events of the run, in order and each once; `None` behind its end, and when that
    /// cannot be known here.
    pub async fn next_events(&mut self) -> Option<Vec<NumberedEvent>> {
        loop {
            match self.follower.next().await {
                Ok(events) => return events,
                // What it missed is stored.
                Err(Cut::Slow) => {}
                Err(Cut::Draining | Cut::Unavailable) => return None,
            }
        }
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    /// [`AgentError::Lost`] when another process has it now.
    pub async fn finished(self) -> Result<EndedRun, AgentError> {
        self.finished.await.map_err(|_| AgentError::Lost)
    }
}

/// The text of a run as one stream.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// Pieces that were not given yet.
    pieces: VecDeque<String>,
    /// What was heard of each answer, in order; the last spoke last.
    heard: Vec<(ItemId, String)>,
}

impl Spoken {
    fn hear(&mut self, run: RunId, event: RunEvent) {
        match event {
            RunEvent::MessageDelta {
                message_id, text, ..
            } => self.say(message_id, text),
            // One that was said at once, or the rest of one. What replaces an answer that was heard
            // cannot be told here.
            RunEvent::MessageCompleted(message) if message.run_id == Some(run) => {
                let heard = self.heard.iter().find(|(id, _)| *id == message.id);
                let heard = heard.map_or("", |(_, heard)| heard);
                if let Some(rest) = message.content.strip_prefix(heard) {
                    self.say(message.id, rest.to_owned());
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, id: ItemId, text: String) {
        if text.is_empty() {
            return;
        }
        let known = self.heard.iter().position(|(known, _)| *known == id);
        let mut heard = known.map_or_else(String::new, |known| self.heard.remove(known).1);
        let is_another = known.is_none_or(|known| known < self.heard.len());
        if is_another && !self.heard.is_empty() {
            self.pieces.push_back("\n\n".to_owned());
        }
        heard.push_str(&text);
        self.heard.push((id, heard));
        self.pieces.push_back(text);
    }
}
