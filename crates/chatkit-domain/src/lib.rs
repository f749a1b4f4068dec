//! The terms and rules of stored conversations.
//!
//! Everything here is a value, a rule about values, or a port (a trait that a store implements).
//! This crate has no I/O and no async runtime. The time and new ids come from a [`Clock`] that is
//! passed in. Items have the types of the ChatKit protocol (`chatkit-protocol`), because clients
//! and responders use them.
//!
//! The feature `conformance` adds the suite that every implementation of the ports must pass, and
//! the feature `test-support` a store in memory that passes it.

mod caller;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod conversation;
mod error;
mod event;
mod id;
mod invalid_value;
mod item;
#[cfg(feature = "test-support")]
pub mod memory;
mod message;
mod page;
mod repository;
mod run;
mod search;
mod task;
mod text;
mod tool_call;
mod values;

pub use caller::{Caller, UserId};
pub use chatkit_protocol::{FeedbackKind as Feedback, Order, ThreadStatus as ConversationStatus};
pub use clock::{Clock, SystemClock, next_instant};
pub use conversation::{
    Conversation, DEFAULT_TITLE, MAX_TITLE_CHARS, NewConversation, Title, automatic_title,
};
pub use error::{RepositoryError, Resource};
pub use event::{
    Aside, EventBatch, ItemEvent, ItemState, MessageEvent, NumberedEvent, RunEvent, ToolCallEvent,
    closing_events, last_event_number, rebuilt_events,
};
pub use id::{ConversationId, Id, ItemId, RunId, ToolCallId};
pub use invalid_value::InvalidValue;
pub use item::{
    DisplayItem, HiddenContext, Item, ItemContent, ItemWrite, MAX_ITEM_BYTES, UnreadableItem,
};
pub use message::{
    IncompleteReason, MAX_MESSAGE_CHARS, Message, MessageDetails, MessageStatus, MessageText,
    PARAGRAPH, ReasoningText, Role,
};
pub use page::{Cursor, CursorScope, Limit, ListCreated, Page, Position};
pub use repository::{
    AnswerDraft, Connections, Context, ConversationChanges, ConversationRepository, EarlierMessage,
    Erased, EventCursor, EventPage, EventsEnd, FinishRun, FinishedRun, Idempotency,
    ListConversations, ListMessages, Maintenance, MessagePage, MessageRepository, MessageWindow,
    Note, OwnedRun, Repositories, RunFence, RunInput, RunJournal, RunNews, RunOwner, RunRepository,
    RunTarget, Since, StartRun, Started, StartedRun, StoreItems, StoredItems, TaskChanges,
    TaskList, TaskRepository,
};
pub use run::{Dialect, Run, RunEnd, RunError, RunErrorCode, RunOutcome, RunStatus, Usage};
pub use search::{SearchQuery, fold};
pub use task::{MAX_TASK_DESCRIPTION_CHARS, MAX_TASK_TITLE_CHARS, Task, TaskFilter, TaskText};
pub use text::{replace_escaped_nul, replace_nul, replace_nul_in_json};
pub use tool_call::{NewToolCall, ToolCall, ToolCallOutcome, ToolCallStatus};
