//! The wire protocol of ChatKit (`@openai/chatkit` 1.9): the requests to a self-hosted backend and
//! its responses, as serde types. There is no transport and no database.
//!
//! Serialization leaves out optional members without a value and always writes defaults.
//! Deserialization accepts `null` for an optional member and ignores unknown members. Ids and times
//! are strings that the server chooses. They pass through unchanged.

mod attachment;
mod event;
mod item;
mod page;
mod request;
mod source;
mod structured_input;
mod thread;
mod update;
pub mod widget;
mod wire;
mod workflow;

pub use attachment::{Attachment, AttachmentKind, UploadDescriptor, UploadMethod};
pub use event::{NoticeLevel, StreamOptions, ThreadStreamEvent};
pub use item::{
    AssistantMessageContent, ClientToolCallStatus, GeneratedImage, InferenceOptions, ItemKind,
    OutputText, OutputTextTag, ThreadItem, ToolChoice, UserMessageContent,
};
pub use page::{Order, Page};
pub use request::{
    Action, ActionParams, AddClientToolOutput, AddStructuredInput, AddUserMessage,
    CreateAttachment, CreateThread, DeleteAttachment, Feedback, FeedbackKind, ItemRef, ListItems,
    ListThreads, Operation, Request, ThreadRef, Transcribe, UpdateThread, UserMessageInput,
};
pub use source::{Annotation, AnnotationTag, FileSource, Source, SourceDetails, UrlSource};
pub use structured_input::{
    Answer, ChoiceOption, StructuredInput, StructuredInputKind, StructuredInputStatus,
    StructuredInputSubmission, SubmissionStatus,
};
pub use thread::{Thread, ThreadStatus};
pub use update::ThreadItemUpdate;
pub use widget::Widget;
pub use workflow::{StatusIndicator, Summary, Task, TaskKind, Workflow, WorkflowKind};

use serde::{Deserialize, Serialize};

/// The response to `input.transcribe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptionResult {
    /// The transcribed speech.
    pub text: String,
}

/// The response to `threads.sync_custom_action`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncCustomActionResponse {
    /// The widget item in which the action occurred, as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_item: Option<ThreadItem>,
}

/// The response to operations without a result: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}
