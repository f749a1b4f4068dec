//! What an assistant shows of its work.

use serde::{Deserialize, Serialize};

use crate::{FileSource, UrlSource, wire::or_default};

/// Steps that an assistant took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// What kind of steps.
    #[serde(rename = "type")]
    pub kind: WorkflowKind,
    /// The steps.
    pub tasks: Vec<Task>,
    /// What stands above them once they are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Whether the steps are shown at once.
    #[serde(default, deserialize_with = "or_default")]
    pub expanded: bool,
}

/// What kind of steps a workflow has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowKind {
    /// Any.
    Custom,
    /// Thoughts, and what was looked up for them.
    Reasoning,
}

/// What stands above a workflow; the two are told apart by their members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Summary {
    /// Words.
    Title {
        /// The words.
        title: String,
        /// An icon before them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
    },
    /// How long it took.
    Duration {
        /// Seconds.
        duration: i64,
    },
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Where it stands.
    #[serde(default, deserialize_with = "or_default")]
    pub status_indicator: StatusIndicator,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: TaskKind,
}

/// Where a step stands, as a sign before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusIndicator {
    /// No sign.
    #[default]
    None,
    /// Under way.
    Loading,
    /// Done.
    Complete,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TaskKind {
    /// Anything.
    Custom {
        /// An icon before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        /// What came of it, in Markdown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
    /// A search of the web.
    WebSearch {
        /// The query in its title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title_query: Option<String>,
        /// What was searched for.
        #[serde(default, deserialize_with = "or_default")]
        queries: Vec<String>,
        /// What was found.
        #[serde(default, deserialize_with = "or_default")]
        sources: Vec<UrlSource>,
    },
    /// A thought.
    Thought {
        /// The thought.
        content: String,
    },
    /// A look into files.
    File {
        /// The files.
        #[serde(default, deserialize_with = "or_default")]
        sources: Vec<FileSource>,
    },
    /// A picture that is made.
    Image {},
}
