//! Workflows and tasks: the work that an assistant shows.

use serde::{Deserialize, Serialize};

use crate::{FileSource, UrlSource, wire::or_default};

/// A list of steps that an assistant took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// The kind of the steps.
    #[serde(rename = "type")]
    pub kind: WorkflowKind,
    /// The steps.
    pub tasks: Vec<Task>,
    /// The heading that clients show when the steps are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Whether clients show the steps expanded at first.
    #[serde(default, deserialize_with = "or_default")]
    pub expanded: bool,
}

/// The kind of the steps of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowKind {
    /// Steps of any kind.
    Custom,
    /// Thoughts and the searches for them.
    Reasoning,
}

/// The heading of a workflow. Its members tell the two kinds apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Summary {
    /// A title.
    Title {
        /// The text of the title.
        title: String,
        /// The name of an icon to show before the title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
    },
    /// The time that the workflow took.
    Duration {
        /// The duration in seconds.
        duration: i64,
    },
}

/// A step of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The progress of the step.
    #[serde(default, deserialize_with = "or_default")]
    pub status_indicator: StatusIndicator,
    /// The title of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The kind of the step, with its members.
    #[serde(flatten)]
    pub kind: TaskKind,
}

/// The progress of a step, which clients show as an indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusIndicator {
    /// No indicator.
    #[default]
    None,
    /// The step is running.
    Loading,
    /// The step is done.
    Complete,
}

/// The kind of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TaskKind {
    /// A step of any kind.
    Custom {
        /// The name of an icon to show before the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        /// The result of the step, in Markdown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
    /// A web search.
    WebSearch {
        /// The query to show in the title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title_query: Option<String>,
        /// All queries.
        #[serde(default, deserialize_with = "or_default")]
        queries: Vec<String>,
        /// The pages that the search found.
        #[serde(default, deserialize_with = "or_default")]
        sources: Vec<UrlSource>,
    },
    /// A thought.
    Thought {
        /// The text of the thought.
        content: String,
    },
    /// A search of files.
    File {
        /// The files that the search found.
        #[serde(default, deserialize_with = "or_default")]
        sources: Vec<FileSource>,
    },
    /// The generation of an image.
    Image {},
}
