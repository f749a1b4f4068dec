//! The ports: one object-safe trait per aggregate and audience.
//!
//! A method is one atomic step, named for its meaning, so that a store can carry it out in as few
//! round trips as possible. Transactions do not span ports. The caller is the first argument: data
//! of another user is [`RepositoryError::NotFound`](crate::RepositoryError::NotFound), like data
//! that does not exist.

use std::sync::Arc;

mod conversation;
mod journal;
mod maintenance;
mod message;
mod run;
mod task;

pub use conversation::{ConversationRepository, ListConversations};
pub use journal::{
    AnswerDraft, ConversationChanges, EventCursor, FinishRun, FinishedRun, Note, OwnedRun,
    RunJournal, RunNews, StoreItems, StoredItems,
};
pub use maintenance::{Connections, Erased, Maintenance};
pub use message::{Context, ListMessages, MessagePage, MessageRepository, MessageWindow, Since};
pub use run::{
    EarlierMessage, EventPage, EventsEnd, Idempotency, RunFence, RunInput, RunOwner, RunRepository,
    RunTarget, StartRun, Started, StartedRun,
};
pub use task::{TaskChanges, TaskList, TaskRepository};

/// The store of everything that the agent and the API need: one implementation of each port. The
/// tasks of the built-in tools have a separate port, [`TaskRepository`].
#[derive(Clone, Debug)]
pub struct Repositories {
    /// Stores conversations.
    pub conversations: Arc<dyn ConversationRepository>,
    /// Reads the logs of conversations.
    pub messages: Arc<dyn MessageRepository>,
    /// Starts, stops and reads runs for callers.
    pub runs: Arc<dyn RunRepository>,
    /// Stores what runs write, for the process that answers them.
    pub journal: Arc<dyn RunJournal>,
    /// Checks, purges and erases.
    pub maintenance: Arc<dyn Maintenance>,
}
