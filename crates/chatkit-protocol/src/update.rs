//! How an entry changes while it is written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Annotation, AssistantMessageContent, GeneratedImage, Task, Widget};

/// A change of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ThreadItemUpdate {
    /// A message has one more part.
    #[serde(rename = "assistant_message.content_part.added")]
    ContentPartAdded {
        /// Which.
        content_index: u64,
        /// The part so far.
        content: AssistantMessageContent,
    },
    /// The text of a part goes on.
    #[serde(rename = "assistant_message.content_part.text_delta")]
    TextDelta {
        /// Of which part.
        content_index: u64,
        /// What is added.
        delta: String,
    },
    /// A part names one more source.
    #[serde(rename = "assistant_message.content_part.annotation_added")]
    AnnotationAdded {
        /// Which part.
        content_index: u64,
        /// The annotation's place among those of the part.
        annotation_index: u64,
        /// The annotation.
        annotation: Box<Annotation>,
    },
    /// A part is whole.
    #[serde(rename = "assistant_message.content_part.done")]
    ContentPartDone {
        /// Which.
        content_index: u64,
        /// The part.
        content: AssistantMessageContent,
    },
    /// A text of a widget goes on.
    #[serde(rename = "widget.streaming_text.value_delta")]
    StreamingTextDelta {
        /// The id of the component.
        component_id: String,
        /// What is added.
        delta: String,
        /// Whether it is whole now.
        done: bool,
    },
    /// A component of a widget is another.
    #[serde(rename = "widget.component.updated")]
    ComponentUpdated {
        /// The id of the component.
        component_id: String,
        /// What it is now.
        component: Value,
    },
    /// A widget is another.
    #[serde(rename = "widget.root.updated")]
    RootUpdated {
        /// What it is now.
        widget: Widget,
    },
    /// A workflow has one more step.
    #[serde(rename = "workflow.task.added")]
    TaskAdded {
        /// Its place.
        task_index: u64,
        /// The step.
        task: Task,
    },
    /// A step of a workflow has changed.
    #[serde(rename = "workflow.task.updated")]
    TaskUpdated {
        /// Its place.
        task_index: u64,
        /// The whole step.
        task: Task,
    },
    /// A picture is being made.
    #[serde(rename = "generated_image.updated")]
    ImageUpdated {
        /// The picture so far.
        image: GeneratedImage,
        /// How far it is, from 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<f64>,
    },
}
