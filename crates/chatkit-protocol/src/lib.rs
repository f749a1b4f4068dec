//! The wire protocol of ChatKit (`@openai/chatkit` 1.9): what a self-hosted backend is sent and
//! answers, as types. Serde only: no transport, no database.
//!
//! What is written leaves out optional members that have no value and writes defaults always; what
//! is read takes `null` for an optional member that is absent, and passes over members it does not
//! know. Ids and times are strings of the server's choosing and kept as they are.

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

/// The answer to `input.transcribe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptionResult {
    /// What was said.
    pub text: String,
}

/// The answer to `threads.sync_custom_action`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncCustomActionResponse {
    /// The widget that the action came from, as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_item: Option<ThreadItem>,
}

/// The answer of operations without a result: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}
