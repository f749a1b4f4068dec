//! The ports: one object-safe trait per aggregate.
//!
//! A method is one atomic step, named for what it means, so that a backend can do it in as few
//! round trips as it can; transactions do not cross ports. The caller comes first: data of
//! another user is [`RepositoryError::NotFound`](crate::RepositoryError::NotFound), like data
//! that never was.

use std::sync::Arc;

mod conversation;
mod maintenance;
mod message;
mod run;
mod task;

pub use conversation::{ConversationRepository, Deleted, ListConversations};
pub use maintenance::{Connections, EventCursor, Maintenance, RunNews};
pub use message::{Context, ListMessages, MessagePage, MessageRepository, MessageWindow, Since};
pub use run::{
    AnswerDraft, BeginRun, Begun, BegunRun, ConversationChanges, EarlierMessage, EventPage,
    FinishRun, FinishedRun, Idempotency, KeepItems, KeptItems, NewToolCall, OwnedRun, RunFence,
    RunInput, RunOutcome, RunOwner, RunRepository, RunTarget, ToolCallOutcome,
};
pub use task::{TaskChanges, TaskRepository};

/// Everything that the agent and the API need kept: one implementation of each port.
#[derive(Clone, Debug)]
pub struct Repositories {
    /// Keeps conversations.
    pub conversations: Arc<dyn ConversationRepository>,
    /// Reads their logs.
    pub messages: Arc<dyn MessageRepository>,
    /// Keeps runs and what they write.
    pub runs: Arc<dyn RunRepository>,
    /// Keeps the tasks of the built-in tools.
    pub tasks: Arc<dyn TaskRepository>,
    /// Closes, purges and erases.
    pub maintenance: Arc<dyn Maintenance>,
}
