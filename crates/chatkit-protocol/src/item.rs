//! The items of a thread.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Annotation, Attachment, StructuredInput, StructuredInputStatus, Task, Widget, Workflow,
    wire::or_default,
};

/// An item of a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadItem {
    /// The id of the item.
    pub id: String,
    /// The id of the thread.
    pub thread_id: String,
    /// The time of creation, in ISO 8601.
    pub created_at: String,
    /// The kind of the item, with its members.
    #[serde(flatten)]
    pub kind: ItemKind,
}

/// The kind of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ItemKind {
    /// A message of the user.
    UserMessage {
        /// The parts of the message.
        content: Vec<UserMessageContent>,
        /// The attached files.
        #[serde(default, deserialize_with = "or_default")]
        attachments: Vec<Attachment>,
        /// The text that the user quoted. An empty text is preserved, because clients send one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted_text: Option<String>,
        /// The user's choices for the answer.
        inference_options: InferenceOptions,
    },
    /// A message of the assistant.
    AssistantMessage {
        /// The parts of the message.
        content: Vec<AssistantMessageContent>,
    },
    /// A call of a tool that the client runs.
    ClientToolCall {
        /// Whether the client has returned a result.
        #[serde(default, deserialize_with = "or_default")]
        status: ClientToolCallStatus,
        /// The id that the model gave to the call.
        call_id: String,
        /// The name of the tool.
        name: String,
        /// The arguments of the call.
        arguments: Map<String, Value>,
        /// The result, after the client has returned it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
    },
    /// A widget.
    Widget {
        /// The component tree.
        widget: Widget,
        /// The text that the copy button copies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy_text: Option<String>,
    },
    /// A generated image.
    GeneratedImage {
        /// The image, as soon as there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<GeneratedImage>,
    },
    /// Questions to the user.
    StructuredInput {
        /// Whether the user has answered.
        #[serde(default, deserialize_with = "or_default")]
        status: StructuredInputStatus,
        /// The questions.
        inputs: Vec<StructuredInput>,
    },
    /// A list of steps that the assistant took.
    Workflow {
        /// The steps.
        workflow: Workflow,
    },
    /// A single step.
    Task {
        /// The step.
        task: Task,
    },
    /// The end of a turn. No other item of the turn follows.
    EndOfTurn {},
    /// A note for the model. It never leaves the server.
    HiddenContextItem {
        /// The note.
        content: Value,
    },
    /// A note that the server itself adds for the model. It never leaves the server.
    SdkHiddenContext {
        /// The note.
        content: String,
    },
}

impl ItemKind {
    /// The value of `type` on the wire.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::UserMessage { .. } => "user_message",
            Self::AssistantMessage { .. } => "assistant_message",
            Self::ClientToolCall { .. } => "client_tool_call",
            Self::Widget { .. } => "widget",
            Self::GeneratedImage { .. } => "generated_image",
            Self::StructuredInput { .. } => "structured_input",
            Self::Workflow { .. } => "workflow",
            Self::Task { .. } => "task",
            Self::EndOfTurn {} => "end_of_turn",
            Self::HiddenContextItem { .. } => "hidden_context_item",
            Self::SdkHiddenContext { .. } => "sdk_hidden_context",
        }
    }

    /// Whether the server must not send the item to clients.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        matches!(
            self,
            Self::HiddenContextItem { .. } | Self::SdkHiddenContext { .. }
        )
    }
}

/// A part of a user message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserMessageContent {
    /// Text.
    InputText {
        /// The text.
        text: String,
    },
    /// An entity of the host application that the user mentions with `@`.
    InputTag {
        /// The id of the entity in the host application.
        id: String,
        /// The name of the entity.
        text: String,
        /// The data that the host application attaches to the entity.
        data: Map<String, Value>,
        /// The group of the entity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Whether the user can click the mention.
        #[serde(default, deserialize_with = "or_default")]
        interactive: bool,
    },
}

/// The user's choices for the answer to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceOptions {
    /// The tool to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// The model to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A tool that the user chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChoice {
    /// The id of the tool in the composer.
    pub id: String,
}

/// A part of an assistant message.
pub type AssistantMessageContent = OutputText;

/// Text of the assistant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputText {
    /// The wire value is always `output_text`.
    #[serde(default, rename = "type")]
    pub tag: OutputTextTag,
    /// The text, in Markdown.
    pub text: String,
    /// The citations of sources.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: Vec<Annotation>,
}

/// The `type` of a text of the assistant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputTextTag {
    /// The only value.
    #[default]
    OutputText,
}

impl OutputText {
    /// Creates a text without annotations.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Whether the client has returned the result of a tool call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientToolCallStatus {
    /// The client has not returned a result yet.
    #[default]
    Pending,
    /// The client has returned a result.
    Completed,
}

/// A generated image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedImage {
    /// The id of the image.
    pub id: String,
    /// The address of the image. It may be a `data:` URL.
    pub url: String,
}
