//! The changes of an item while the assistant writes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Annotation, AssistantMessageContent, GeneratedImage, ItemKind, Task, ThreadItem, Widget,
};

/// A change of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ThreadItemUpdate {
    /// The message got another part.
    #[serde(rename = "assistant_message.content_part.added")]
    ContentPartAdded {
        /// The index of the part.
        content_index: u64,
        /// The part so far.
        content: AssistantMessageContent,
    },
    /// The text of a part continues.
    #[serde(rename = "assistant_message.content_part.text_delta")]
    TextDelta {
        /// The index of the part.
        content_index: u64,
        /// The added text.
        delta: String,
    },
    /// A part got another citation.
    #[serde(rename = "assistant_message.content_part.annotation_added")]
    AnnotationAdded {
        /// The index of the part.
        content_index: u64,
        /// The index of the annotation within the part.
        annotation_index: u64,
        /// The annotation.
        annotation: Box<Annotation>,
    },
    /// A part is complete.
    #[serde(rename = "assistant_message.content_part.done")]
    ContentPartDone {
        /// The index of the part.
        content_index: u64,
        /// The complete part.
        content: AssistantMessageContent,
    },
    /// A text of a widget continues.
    #[serde(rename = "widget.streaming_text.value_delta")]
    StreamingTextDelta {
        /// The id of the component.
        component_id: String,
        /// The added text.
        delta: String,
        /// Whether the text is complete now.
        done: bool,
    },
    /// Another component replaced a component of the widget.
    #[serde(rename = "widget.component.updated")]
    ComponentUpdated {
        /// The id of the component.
        component_id: String,
        /// The new component.
        component: Value,
    },
    /// Another widget replaced the widget.
    #[serde(rename = "widget.root.updated")]
    RootUpdated {
        /// The new widget.
        widget: Widget,
    },
    /// The workflow got another step.
    #[serde(rename = "workflow.task.added")]
    TaskAdded {
        /// The index of the step.
        task_index: u64,
        /// The step.
        task: Task,
    },
    /// A step of the workflow changed.
    #[serde(rename = "workflow.task.updated")]
    TaskUpdated {
        /// The index of the step.
        task_index: u64,
        /// The whole step.
        task: Task,
    },
    /// The generation of an image progressed.
    #[serde(rename = "generated_image.updated")]
    ImageUpdated {
        /// The picture so far.
        image: GeneratedImage,
        /// The progress, from 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<f64>,
    },
}

impl ThreadItem {
    /// Applies a change to the item, see [`ItemKind::apply`].
    pub fn apply(&mut self, update: ThreadItemUpdate) {
        self.kind.apply(update);
    }
}

impl ItemKind {
    /// Applies a change in the same way as clients do. Ignores changes that do not fit the item and
    /// changes of a single widget component.
    pub fn apply(&mut self, update: ThreadItemUpdate) {
        use ThreadItemUpdate as Update;
        match (self, update) {
            (ItemKind::AssistantMessage { content: parts }, update) => apply_to(parts, update),
            (ItemKind::Workflow { workflow }, Update::TaskAdded { task_index, task }) => {
                let tasks = &mut workflow.tasks;
                tasks.insert(place(task_index).min(tasks.len()), task);
            }
            (ItemKind::Workflow { workflow }, Update::TaskUpdated { task_index, task }) => {
                if let Some(known) = workflow.tasks.get_mut(place(task_index)) {
                    *known = task;
                }
            }
            (ItemKind::Widget { widget, .. }, Update::RootUpdated { widget: root }) => {
                *widget = root;
            }
            (ItemKind::GeneratedImage { image }, Update::ImageUpdated { image: so_far, .. }) => {
                *image = Some(so_far);
            }
            _ => {}
        }
    }
}

fn apply_to(parts: &mut Vec<AssistantMessageContent>, update: ThreadItemUpdate) {
    use ThreadItemUpdate as Update;
    match update {
        Update::ContentPartAdded {
            content_index,
            content,
        }
        | Update::ContentPartDone {
            content_index,
            content,
        } => match parts.get_mut(place(content_index)) {
            Some(part) => *part = content,
            None => parts.push(content),
        },
        Update::TextDelta {
            content_index,
            delta,
        } => {
            if let Some(part) = parts.get_mut(place(content_index)) {
                part.text.push_str(&delta);
            }
        }
        Update::AnnotationAdded {
            content_index,
            annotation_index,
            annotation,
        } => {
            if let Some(part) = parts.get_mut(place(content_index)) {
                let last = part.annotations.len();
                let index = place(annotation_index).min(last);
                part.annotations.insert(index, *annotation);
            }
        }
        _ => {}
    }
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
