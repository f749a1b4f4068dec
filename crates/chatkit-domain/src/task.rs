//! The built-in task list.

use chrono::{DateTime, Utc};

use crate::{InvalidValue, text::check_length};

/// Longest task title, in characters.
pub const MAX_TASK_TITLE_CHARS: usize = 200;

/// Longest task description, in characters.
pub const MAX_TASK_DESCRIPTION_CHARS: usize = 2_000;

/// Something a user wants to get done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// A small number of the user's own: 1, 2, 3 …, never reused.
    pub number: u64,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which tasks to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskFilter {
    /// All of them.
    #[default]
    All,
    /// Those still to be done.
    Pending,
    /// Those done.
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
