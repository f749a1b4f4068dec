//! How an entry changes while it is written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Annotation, AssistantMessageContent, GeneratedImage, ItemKind, Task, ThreadItem, Widget,
};

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

impl ThreadItem {
    /// Changes the item as [`ItemKind::apply`] does.
    pub fn apply(&mut self, update: ThreadItemUpdate) {
        self.kind.apply(update);
    }
}

impl ItemKind {
    /// Changes the item as a client does that receives the update. An update that does not fit the
    /// item, or that concerns one component of a widget, changes nothing.
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
