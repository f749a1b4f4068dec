//! The words and rules of kept conversations.
//!
//! Everything here is a value, a rule over values, or a port (a trait that an adapter implements).
//! No I/O and no async runtime belong here; time and fresh ids come from a [`Clock`] passed in.

mod caller;
mod clock;
mod conversation;
mod error;
mod event;
mod id;
mod item;
mod message;
mod page;
mod repository;
mod run;
mod search;
mod task;
mod text;
mod tool_call;

pub use caller::{Caller, UserId};
pub use clock::{Clock, SystemClock, next_instant};
pub use conversation::{
    Conversation, ConversationStatus, DEFAULT_TITLE, MAX_TITLE_CHARS, NewConversation, Title,
    automatic_title,
};
pub use error::{InvalidValue, RepositoryError};
pub use event::{
    EventBatch, NumberedEvent, RunEvent, closing_events, last_event_number, retold_events,
};
pub use id::{ConversationId, Id, ItemId, RunId, ToolCallId};
pub use item::{HiddenContext, Item, ItemContent, ItemDraft, ShownItem, ShownKind};
pub use message::{
    Feedback, IncompleteReason, MAX_MESSAGE_CHARS, Message, MessageDetails, MessageStatus,
    MessageText, PARAGRAPH, ReasoningText, Role,
};
pub use page::{Cursor, CursorScope, Limit, ListCreated, Order, Page, Part, Position};
pub use repository::{
    AnswerDraft, BeginRun, Begun, BegunRun, Connections, Context, ConversationChanges,
    ConversationRepository, Deleted, EarlierMessage, EventCursor, EventPage, FinishRun,
    FinishedRun, Idempotency, KeepItems, KeptItems, ListConversations, ListMessages, Maintenance,
    MessagePage, MessageRepository, MessageWindow, NewToolCall, OwnedRun, Repositories, RunFence,
    RunInput, RunNews, RunOutcome, RunOwner, RunRepository, RunTarget, Since, TaskChanges,
    TaskRepository, ToolCallOutcome,
};
pub use run::{Dialect, Run, RunEnd, RunError, RunErrorCode, RunStatus, Usage};
pub use search::{SearchQuery, fold};
pub use task::{MAX_TASK_DESCRIPTION_CHARS, MAX_TASK_TITLE_CHARS, Task, TaskFilter, TaskText};
pub use text::{replace_nul, replace_nul_in_json};
pub use tool_call::{ToolCall, ToolCallStatus};
