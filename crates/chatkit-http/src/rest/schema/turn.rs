//! Bodies of requests and responses about messages and turns.

use chatkit_domain::{Feedback, Role, RunStatus};
use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{message::Message, run::Run};
use crate::{
    contract::examples::example_id,
    payload::{Named, Nullable, present},
};

/// A page of a conversation's history.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct MessageList {
    /// The id of the conversation.
    pub(crate) conversation_id: Uuid,
    /// The messages, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Whether there are more messages: older ones, or newer ones with `since`.
    pub(crate) has_more: bool,
    /// The `before` of the page with older messages; null if there are none, and with `since`.
    pub(crate) before_cursor: Nullable<String>,
    /// Whether the page replaces all messages that the client has, because `since` is not a message
    /// of this history.
    pub(crate) reset: bool,
    /// The active run; null if there is none.
    pub(crate) active_run: Nullable<Run>,
}

impl Example for MessageList {
    fn example() -> Self {
        let question = "Add a task to buy groceries";
        Self {
            conversation_id: example_id(1),
            messages: vec![
                Message::example_of(Role::User, question, 2),
                Message::example(),
            ],
            has_more: false,
            before_cursor: None.into(),
            reset: false,
            active_run: None.into(),
        }
    }
}

/// A message to send.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct SendMessage {
    /// The text: 1 to 10,000 characters, without counting white space around it.
    #[oai(validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"))]
    pub(crate) content: String,
}

impl Example for SendMessage {
    fn example() -> Self {
        Self {
            content: "Add a task to buy groceries".to_owned(),
        }
    }
}

/// A turn: a user's message and its answer.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Turn {
    /// The user's message.
    pub(crate) user_message: Message,
    /// The answer.
    pub(crate) assistant_message: Message,
    /// The run that answered.
    pub(crate) run: Run,
}

impl Example for Turn {
    fn example() -> Self {
        Self {
            user_message: Message::user_example(),
            assistant_message: Message::example(),
            run: Run::example(),
        }
    }
}

/// A rating of an answer.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct RateMessage {
    /// The rating; null removes it.
    #[serde(deserialize_with = "Nullable::required")]
    pub(crate) kind: Nullable<Named<Feedback>>,
}

impl Example for RateMessage {
    fn example() -> Self {
        Self {
            kind: Some(Named(Feedback::Positive)).into(),
        }
    }
}

/// The input of a run: a new message, or an existing one to answer again.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct NewRun {
    /// The text of a new message: 1 to 10,000 characters, without counting white space around it.
    /// Either this or `regenerate` is required.
    #[oai(
        validator(min_length = 1, pattern = r"^[^\u0000]*\S[^\u0000]*$"),
        skip_serializing_if_is_none
    )]
    #[serde(default, deserialize_with = "present")]
    pub(crate) content: Option<String>,
    /// The id of a user's message to answer again.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, deserialize_with = "present")]
    pub(crate) regenerate: Option<Uuid>,
}

impl Example for NewRun {
    fn example() -> Self {
        Self {
            content: Some("Add a task to buy groceries".to_owned()),
            regenerate: None,
        }
    }
}

/// A run that has started.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct BegunRun {
    /// The message that the run answers.
    pub(crate) user_message: Message,
    /// The run.
    pub(crate) run: Run,
}

impl Example for BegunRun {
    fn example() -> Self {
        Self {
            user_message: Message::user_example(),
            run: Run {
                status: RunStatus::Running.into(),
                usage: None.into(),
                tool_calls: Vec::new(),
                ended_at: None.into(),
                ..Run::example()
            },
        }
    }
}
