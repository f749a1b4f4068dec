//! The built-in task list.

use chrono::{DateTime, Utc};

use crate::{InvalidValue, text::check_length};

/// The most characters of a task's title.
pub const MAX_TASK_TITLE_CHARS: usize = 200;

/// The most characters of a task's description.
pub const MAX_TASK_DESCRIPTION_CHARS: usize = 2_000;

/// A task of a user's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The number, counted per user: 1, 2, 3 …, never reused.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The description.
    pub description: Option<String>,
    /// Whether the task is done.
    pub completed: bool,
    /// The time at which the task was added.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

/// The tasks to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskFilter {
    /// All tasks.
    #[default]
    All,
    /// Tasks that are not done.
    Pending,
    /// Tasks that are done.
    Completed,
}

/// A task's title or description, checked and trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskText(String);

impl TaskText {
    /// Checks a title: 1 to 200 characters.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is blank, too long or contains U+0000.
    pub fn title(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(text, MAX_TASK_TITLE_CHARS)
    }

    /// Checks a description: 1 to 2,000 characters.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is blank, too long or contains U+0000.
    pub fn description(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(text, MAX_TASK_DESCRIPTION_CHARS)
    }

    fn parse(text: &str, max: usize) -> Result<Self, InvalidValue> {
        check_length(text, max)?;
        Ok(Self(text.trim().to_owned()))
    }
}

impl From<TaskText> for String {
    fn from(text: TaskText) -> Self {
        text.0
    }
}
