//! The requests that clients send.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    InferenceOptions, Order, StructuredInputSubmission, UserMessageContent, wire::or_default,
};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The operation to execute.
    #[serde(flatten)]
    pub operation: Operation,
    /// Arbitrary data of the host application.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
}

/// The operations that a client can request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "params")]
pub enum Operation {
    /// Creates a thread with a message.
    #[serde(rename = "threads.create")]
    CreateThread(CreateThread),
    /// Adds a message to a thread.
    #[serde(rename = "threads.add_user_message")]
    AddUserMessage(AddUserMessage),
    /// Returns the result of a client tool call.
    #[serde(rename = "threads.add_client_tool_output")]
    AddClientToolOutput(AddClientToolOutput),
    /// Answers questions.
    #[serde(rename = "threads.add_structured_input")]
    AddStructuredInput(AddStructuredInput),
    /// Requests another answer to a message.
    #[serde(rename = "threads.retry_after_item")]
    RetryAfterItem(ItemRef),
    /// Triggers a widget action. The server responds with a stream.
    #[serde(rename = "threads.custom_action")]
    CustomAction(ActionParams),
    /// Returns a thread with its first items.
    #[serde(rename = "threads.get_by_id")]
    GetThread(ThreadRef),
    /// Returns a page of threads.
    #[serde(rename = "threads.list")]
    ListThreads(ListThreads),
    /// Changes the title of a thread.
    #[serde(rename = "threads.update")]
    UpdateThread(UpdateThread),
    /// Deletes a thread.
    #[serde(rename = "threads.delete")]
    DeleteThread(ThreadRef),
    /// Triggers a widget action. The server responds with a single message.
    #[serde(rename = "threads.sync_custom_action")]
    SyncCustomAction(ActionParams),
    /// Returns a page of the items of a thread.
    #[serde(rename = "items.list")]
    ListItems(ListItems),
    /// Rates items.
    #[serde(rename = "items.feedback")]
    Feedback(Feedback),
    /// Announces a file to upload.
    #[serde(rename = "attachments.create")]
    CreateAttachment(CreateAttachment),
    /// Deletes a file.
    #[serde(rename = "attachments.delete")]
    DeleteAttachment(DeleteAttachment),
    /// Transcribes speech.
    #[serde(rename = "input.transcribe")]
    Transcribe(Transcribe),
}

impl Operation {
    /// Whether the server responds with a stream of events.
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

/// A message that the user sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserMessageInput {
    /// The parts of the message.
    pub content: Vec<UserMessageContent>,
    /// The ids of the attached files.
    pub attachments: Vec<String>,
    /// The text that the user quotes. Clients send an empty text if there is no quotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted_text: Option<String>,
    /// The user's choices for the answer.
    pub inference_options: InferenceOptions,
}

/// The first message of a new thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateThread {
    /// The message.
    pub input: UserMessageInput,
}

/// A message for a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddUserMessage {
    /// The id of the thread.
    pub thread_id: String,
    /// The message.
    pub input: UserMessageInput,
}

/// The result of a client tool call. The request does not name the call, so the server must know
/// which one is pending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddClientToolOutput {
    /// The id of the thread.
    pub thread_id: String,
    /// The result of the tool. `null` is a valid result.
    pub result: Value,
}

/// Answers to the questions of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddStructuredInput {
    /// The id of the thread.
    pub thread_id: String,
    /// The id of the item with the questions.
    pub item_id: String,
    /// The answers.
    pub input: StructuredInputSubmission,
}

/// A reference to an item of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRef {
    /// The id of the thread.
    pub thread_id: String,
    /// The id of the item.
    pub item_id: String,
}

/// A triggered widget action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionParams {
    /// The id of the thread.
    pub thread_id: String,
    /// The id of the widget item, if the action comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// The triggered action.
    pub action: Action,
}

/// An action that a component of a widget triggered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The type that the widget gave to the action.
    #[serde(rename = "type")]
    pub kind: String,
    /// The payload of the action. It contains the values of form fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// A reference to a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRef {
    /// The id of the thread.
    pub thread_id: String,
}

/// The requested page of threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListThreads {
    /// The page size. It defaults to 20 and 0 also means 20. Clients send 9999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// The order of the threads.
    #[serde(default, deserialize_with = "or_default")]
    pub order: Order,
    /// The id of the last thread of the previous page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The requested page of items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListItems {
    /// The id of the thread.
    pub thread_id: String,
    /// The page size. It defaults to 20 and 0 also means 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// The order of the items.
    #[serde(default, deserialize_with = "or_default")]
    pub order: Order,
    /// The id of the last item of the previous page. It may be a hidden item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A new title for a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateThread {
    /// The id of the thread.
    pub thread_id: String,
    /// The new title.
    pub title: String,
}

/// A rating of items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The id of the thread.
    pub thread_id: String,
    /// The ids of the rated items.
    pub item_ids: Vec<String>,
    /// The rating.
    pub kind: FeedbackKind,
}

/// A rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    /// Thumbs up.
    Positive,
    /// Thumbs down.
    Negative,
}

impl FeedbackKind {
    /// All ratings.
    pub const ALL: &'static [Self] = &[Self::Positive, Self::Negative];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }

    /// Parses a wire name. Returns `None` for an unknown name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// A file that the client is going to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAttachment {
    /// The name of the file.
    pub name: String,
    /// The size in bytes.
    pub size: i64,
    /// The media type.
    pub mime_type: String,
}

/// A file to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAttachment {
    /// The id of the file.
    pub attachment_id: String,
}

/// Speech to transcribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcribe {
    /// The recording, in standard base64 (RFC 4648, section 4).
    pub audio_base64: String,
    /// The media type, with parameters.
    pub mime_type: String,
}
