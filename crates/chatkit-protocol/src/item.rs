//! The entries of a thread.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Annotation, Attachment, StructuredInput, StructuredInputStatus, Task, Widget, Workflow,
    wire::or_default,
};

/// An entry of a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadItem {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub thread_id: String,
    /// When it was created, in ISO 8601.
    pub created_at: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: ItemKind,
}

/// What an entry of a thread is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ItemKind {
    /// What the user said.
    UserMessage {
        /// Its parts.
        content: Vec<UserMessageContent>,
        /// The files that came with it.
        #[serde(default, deserialize_with = "or_default")]
        attachments: Vec<Attachment>,
        /// What the user quoted; empty is kept, as clients send it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted_text: Option<String>,
        /// How it is to be answered.
        inference_options: InferenceOptions,
    },
    /// What the assistant said.
    AssistantMessage {
        /// Its parts.
        content: Vec<AssistantMessageContent>,
    },
    /// A call of a tool that the client has.
    ClientToolCall {
        /// Whether the client has answered.
        #[serde(default, deserialize_with = "or_default")]
        status: ClientToolCallStatus,
        /// The model's id for it.
        call_id: String,
        /// The tool.
        name: String,
        /// What it is called with.
        arguments: Map<String, Value>,
        /// What it gave back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
    },
    /// A widget.
    Widget {
        /// Its tree.
        widget: Widget,
        /// What the button for copying copies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy_text: Option<String>,
    },
    /// A picture that was made.
    GeneratedImage {
        /// The picture, once there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<GeneratedImage>,
    },
    /// Questions to the user.
    StructuredInput {
        /// Whether they are answered.
        #[serde(default, deserialize_with = "or_default")]
        status: StructuredInputStatus,
        /// The questions.
        inputs: Vec<StructuredInput>,
    },
    /// Steps that the assistant took.
    Workflow {
        /// The steps.
        workflow: Workflow,
    },
    /// A single step.
    Task {
        /// The step.
        task: Task,
    },
    /// Nothing more will come of this turn.
    EndOfTurn {},
    /// A note for the model. Never leaves the server.
    HiddenContextItem {
        /// The note.
        content: Value,
    },
    /// A note of the server's own for the model. Never leaves the server.
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

    /// Whether clients must not see the item.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        matches!(
            self,
            Self::HiddenContextItem { .. } | Self::SdkHiddenContext { .. }
        )
    }
}

/// A part of what the user said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserMessageContent {
    /// Words.
    InputText {
        /// The words.
        text: String,
    },
    /// Something that the host application knows, named with an `@`.
    InputTag {
        /// Its id there.
        id: String,
        /// What it is called.
        text: String,
        /// What the host application knows of it.
        data: Map<String, Value>,
        /// The group that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Whether it can be clicked.
        #[serde(default, deserialize_with = "or_default")]
        interactive: bool,
    },
}

/// How the user wants a message answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceOptions {
    /// With this tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// By this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A tool that the user chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChoice {
    /// Its id in the composer.
    pub id: String,
}

/// A part of what the assistant said.
pub type AssistantMessageContent = OutputText;

/// Words of the assistant's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputText {
    /// Always `output_text`.
    #[serde(default, rename = "type")]
    pub tag: OutputTextTag,
    /// The words, in Markdown.
    pub text: String,
    /// Where they have their facts from.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: Vec<Annotation>,
}

/// The type of what an assistant says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputTextTag {
    /// The only one.
    #[default]
    OutputText,
}

impl OutputText {
    /// These words, without annotations.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Whether the client has answered a call of its tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientToolCallStatus {
    /// Not yet.
    #[default]
    Pending,
    /// Yes.
    Completed,
}

/// A picture that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedImage {
    /// Its id.
    pub id: String,
    /// Where it is; it may be in the URL itself.
    pub url: String,
}
