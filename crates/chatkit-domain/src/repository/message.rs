use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, ConversationId, Feedback, Item, ItemId, Limit, ListCreated, Message, Part,
    RepositoryError, Run,
};

/// Reads the log of a conversation; it is written by runs.
///
/// # Errors
/// Every method: `NotFound` for a conversation that is not the caller's, was deleted or never was.
#[async_trait]
pub trait MessageRepository: std::fmt::Debug + Send + Sync {
    /// A number that grew with every change that a reader of the conversation's messages or of
    /// its active run could see. Reads one row.
    async fn revision(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<u64, RepositoryError>;

    /// A page of messages with the active run.
    async fn list(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: &ListMessages,
    ) -> Result<MessagePage, RepositoryError>;

    /// The items of the log, hidden ones too.
    ///
    /// # Errors
    /// `NotFound` also for an `after` that is none of them.
    async fn items(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: ListCreated<ItemId>,
    ) -> Result<Part<Item>, RepositoryError>;

    /// One message of the history.
    ///
    /// # Errors
    /// `NotFound` also for a message that is not in it.
    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
    ) -> Result<Message, RepositoryError>;

    /// Rates an answer, or takes the rating back.
    ///
    /// # Errors
    /// `NotFound` also for a message that is not in the history; `WrongMessage` for a user's.
    async fn rate(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
        feedback: Option<Feedback>,
    ) -> Result<(), RepositoryError>;

    /// The newest `messages` messages and the items between and after them, oldest first.
    async fn context(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        messages: u32,
    ) -> Result<Context, RepositoryError>;
}

/// The part of a history that a model may be given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The items, oldest first.
    pub items: Vec<Item>,
    /// The first sequence number that the newest of these items' runs sent to the model. `None` if
    /// no run stored it.
    pub window_start: Option<u64>,
}

/// Which messages to list.
#[derive(Clone, Copy, Debug)]
pub struct ListMessages {
    /// How many at most.
    pub limit: Limit,
    /// Which part of the history.
    pub window: MessageWindow,
}

/// Which part of a history to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageWindow {
    /// The newest.
    Newest,
    /// The newest of those before this sequence number.
    Before(u64),
    /// The oldest of those strictly after something.
    Since(Since),
}

/// After what to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After this message. When the history does not hold it, the newest are listed instead and
    /// [`MessagePage::reset`] says so.
    Message(ItemId),
    /// After this time.
    Time(DateTime<Utc>),
}

/// A page of a conversation's history.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagePage {
    /// The conversation's revision, read before the messages: the page may be newer than it
    /// says, never older.
    pub revision: u64,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether there are more in the direction of the window: older ones, or newer ones for
    /// [`MessageWindow::Since`].
    pub has_more: bool,
    /// Whether the page replaces what the reader had, as `since` named nothing in this history.
    pub reset: bool,
    /// The run that is answering now.
    pub active_run: Option<Run>,
}
