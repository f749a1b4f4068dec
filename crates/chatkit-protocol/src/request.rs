//! What clients ask.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    InferenceOptions, Order, StructuredInputSubmission, UserMessageContent, wire::or_default,
};

/// A request: an operation, and whatever the host application sends along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What is asked.
    #[serde(flatten)]
    pub operation: Operation,
    /// Whatever the host application sends along.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "params")]
pub enum Operation {
    /// A message in a new thread.
    #[serde(rename = "threads.create")]
    CreateThread(CreateThread),
    /// A message in a thread.
    #[serde(rename = "threads.add_user_message")]
    AddUserMessage(AddUserMessage),
    /// What a tool of the client's gave back.
    #[serde(rename = "threads.add_client_tool_output")]
    AddClientToolOutput(AddClientToolOutput),
    /// Answers to questions.
    #[serde(rename = "threads.add_structured_input")]
    AddStructuredInput(AddStructuredInput),
    /// Another answer to a message.
    #[serde(rename = "threads.retry_after_item")]
    RetryAfterItem(ItemRef),
    /// An action of a widget, answered by a stream.
    #[serde(rename = "threads.custom_action")]
    CustomAction(ActionParams),
    /// A thread with its first items.
    #[serde(rename = "threads.get_by_id")]
    GetThread(ThreadRef),
    /// A page of threads.
    #[serde(rename = "threads.list")]
    ListThreads(ListThreads),
    /// Another title.
    #[serde(rename = "threads.update")]
    UpdateThread(UpdateThread),
    /// A thread to delete.
    #[serde(rename = "threads.delete")]
    DeleteThread(ThreadRef),
    /// An action of a widget, answered at once.
    #[serde(rename = "threads.sync_custom_action")]
    SyncCustomAction(ActionParams),
    /// A page of a thread's items.
    #[serde(rename = "items.list")]
    ListItems(ListItems),
    /// How the user rates items.
    #[serde(rename = "items.feedback")]
    Feedback(Feedback),
    /// A file to come.
    #[serde(rename = "attachments.create")]
    CreateAttachment(CreateAttachment),
    /// A file to delete.
    #[serde(rename = "attachments.delete")]
    DeleteAttachment(DeleteAttachment),
    /// Speech to write down.
    #[serde(rename = "input.transcribe")]
    Transcribe(Transcribe),
}

impl Operation {
    /// Whether it is answered by a stream of events.
    #[must_use]
    pub const fn is_streaming(&self) -> bool {
        matches!(
            self,
            Self::CreateThread(_)
                | Self::AddUserMessage(_)
                | Self::AddClientToolOutput(_)
                | Self::AddStructuredInput(_)
                | Self::RetryAfterItem(_)
                | Self::CustomAction(_)
        )
    }
}

/// What the user says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserMessageInput {
    /// Its parts.
    pub content: Vec<UserMessageContent>,
    /// The ids of the files that come with it.
    pub attachments: Vec<String>,
    /// What the user quotes; clients send an empty text for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted_text: Option<String>,
    /// How it is to be answered.
    pub inference_options: InferenceOptions,
}

/// A message in a new thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateThread {
    /// The message.
    pub input: UserMessageInput,
}

/// A message in a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddUserMessage {
    /// The thread.
    pub thread_id: String,
    /// The message.
    pub input: UserMessageInput,
}

/// What a tool of the client's gave back. The server knows which call waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddClientToolOutput {
    /// The thread.
    pub thread_id: String,
    /// What it gave back; `null` is a result, too.
    pub result: Value,
}

/// Answers to questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddStructuredInput {
    /// The thread.
    pub thread_id: String,
    /// The item with the questions.
    pub item_id: String,
    /// The answers.
    pub input: StructuredInputSubmission,
}

/// An item of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRef {
    /// The thread.
    pub thread_id: String,
    /// The item.
    pub item_id: String,
}

/// An action of a widget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionParams {
    /// The thread.
    pub thread_id: String,
    /// The widget's item, when it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What was done.
    pub action: Action,
}

/// What was done with a widget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Which action.
    #[serde(rename = "type")]
    pub kind: String,
    /// With what; the values of form fields stand in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRef {
    /// The thread.
    pub thread_id: String,
}

/// Which page of threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListThreads {
    /// How many; 20 for none and 0. Clients ask for 9999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// In which order.
    #[serde(default, deserialize_with = "or_default")]
    pub order: Order,
    /// The last thread of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which page of a thread's items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListItems {
    /// The thread.
    pub thread_id: String,
    /// How many; 20 for none and 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// In which order.
    #[serde(default, deserialize_with = "or_default")]
    pub order: Order,
    /// The last item of the page before; it may be a hidden one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Another title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateThread {
    /// The thread.
    pub thread_id: String,
    /// Its title.
    pub title: String,
}

/// How the user rates items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The thread.
    pub thread_id: String,
    /// The items.
    pub item_ids: Vec<String>,
    /// How.
    pub kind: FeedbackKind,
}

/// How the user rates something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    /// Thumbs up.
    Positive,
    /// Thumbs down.
    Negative,
}

impl FeedbackKind {
    /// Every rating.
    pub const ALL: &'static [Self] = &[Self::Positive, Self::Negative];

    /// The rating as it is on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }

    /// The rating of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// A file to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAttachment {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
    /// Its media type.
    pub mime_type: String,
}

/// A file to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAttachment {
    /// The file.
    pub attachment_id: String,
}

/// Speech to write down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcribe {
    /// The sound, in standard base64 (RFC 4648 section 4).
    pub audio_base64: String,
    /// Its media type, with parameters.
    pub mime_type: String,
}
