use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Caller, ConversationId, Feedback, Item, ItemId, Limit, ListCreated, Message, Page,
    RepositoryError, Run,
};

/// Reads the log of a conversation. Runs write it.
///
/// # Errors
/// Every method: `NotFound(Conversation)` for a conversation that does not exist, was deleted, or
/// belongs to another user. Methods that take a message return `NotFound(Message)` then.
#[async_trait]
pub trait MessageRepository: std::fmt::Debug + Send + Sync {
    /// Returns a number that increases with every change that a reader of the conversation's
    /// messages or of its active run can see. Reads one row.
    async fn revision(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<u64, RepositoryError>;

    /// Lists messages, and returns the active run.
    async fn list(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: &ListMessages,
    ) -> Result<MessagePage, RepositoryError>;

    /// Lists the items of the log, including hidden ones.
    ///
    /// # Errors
    /// `NotFound(Message)` if `after` is not an item of the conversation.
    async fn items(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: ListCreated<ItemId>,
    ) -> Result<Page<Item>, RepositoryError>;

    /// Returns a message of the history.
    ///
    /// # Errors
    /// `NotFound(Message)`.
    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
    ) -> Result<Message, RepositoryError>;

    /// Rates an answer, or removes the rating.
    ///
    /// # Errors
    /// `NotFound(Message)`; `WrongMessage` for a user message.
    async fn rate(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
        feedback: Option<Feedback>,
    ) -> Result<(), RepositoryError>;

    /// Returns the newest `messages` messages and the items between and after them, oldest first.
    async fn context(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        messages: u32,
    ) -> Result<Context, RepositoryError>;
}

/// The part of a history that a model may receive.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The items, oldest first.
    pub items: Vec<Item>,
    /// The first sequence number that the newest of these items' runs sent to the model. `None` if
    /// no run stored it.
    pub window_start: Option<u64>,
}

/// The messages to list.
#[derive(Clone, Copy, Debug)]
pub struct ListMessages {
    /// The most messages to return.
    pub limit: Limit,
    /// The part of the history.
    pub window: MessageWindow,
}

/// A part of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageWindow {
    /// The newest messages.
    Newest,
    /// The newest messages before this sequence number.
    Before(u64),
    /// The oldest messages after a point.
    Since(Since),
}

/// The point after which messages are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This message. If the history does not contain it, the newest messages are listed, and
    /// [`MessagePage::reset`] is set.
    Message(ItemId),
    /// This time.
    Time(DateTime<Utc>),
}

/// A page of a conversation's history.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagePage {
    /// The conversation's revision, read before the messages. The page may be newer than its
    /// revision, never older.
    pub revision: u64,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether there are more messages in the direction of the window: older ones, or newer ones
    /// for [`MessageWindow::Since`].
    pub has_more: bool,
    /// Whether the page replaces the messages that the reader has, because the history does not
    /// contain the message of `since`.
    pub reset: bool,
    /// The active run.
    pub active_run: Option<Run>,
}
