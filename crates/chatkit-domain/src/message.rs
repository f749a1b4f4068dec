//! What the user or the assistant said.

use chrono::{DateTime, Utc};

use crate::{ConversationId, InvalidValue, ItemId, RunId, ToolCall, text::check_length};

/// Longest user message, in characters.
pub const MAX_MESSAGE_CHARS: usize = 10_000;

/// An item with role `user` or `assistant`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: ItemId,
    /// The conversation it stands in.
    pub conversation_id: ConversationId,
    /// Its place in the log; not dense, as hidden items count too.
    pub sequence_number: u64,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// What its dialect keeps beside the text.
    pub details: Option<Box<MessageDetails>>,
    /// Whether it is complete.
    pub status: MessageStatus,
    /// Why it is incomplete. `None` for a complete message, and for an incomplete one that an
    /// older version stored.
    pub incomplete_reason: Option<IncompleteReason>,
    /// The reasoning that the model showed before and between its text, as plain text.
    pub reasoning: Option<String>,
    /// Whether the model's filter refused this user message. A short note replaces its text in
    /// the model's input.
    pub is_withheld: bool,
    /// The tools that its run used, in the model's order. Of a user message: those of runs that
    /// failed to answer it, in the context that a model is given; empty elsewhere.
    pub tool_calls: Vec<ToolCall>,
    /// How the user rated it.
    pub feedback: Option<Feedback>,
    /// The run it came from or began.
    pub run_id: Option<RunId>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens of the whole run, input and output.
    pub tokens_used: Option<u64>,
    /// When it was stored; strictly later than the item before it.
    pub created_at: DateTime<Utc>,
}

/// What a dialect keeps of a message beside its text, as that dialect wrote it. The assistant's
/// have parts alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageDetails {
    /// The parts of which the text was made, as JSON. Every reader of the history has it in hand,
    /// few look into it.
    pub parts: String,
    /// What the user quoted.
    pub quoted_text: Option<String>,
    /// How the user wanted it answered, as JSON.
    pub options: String,
}

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The assistant.
    Assistant,
}

/// Whether a message was said to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It is whole.
    Completed,
    /// The answer was stopped or interrupted here.
    Incomplete,
}

/// Why an assistant message is incomplete. The strings are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompleteReason {
    /// The user stopped the answer.
    Cancelled,
    /// The process died, lost its lease or was shut down.
    Interrupted,
    /// The model failed, or the run exceeded a limit.
    Failed,
    /// The model reached its length limit.
    Length,
    /// The model's filter withheld the rest.
    ContentFilter,
}

impl IncompleteReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Cancelled,
        Self::Interrupted,
        Self::Failed,
        Self::Length,
        Self::ContentFilter,
    ];

    /// The reason as clients and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
        }
    }

    /// The reason of this name. `None` for a name that only a newer version writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// Separates the thoughts of one run, and the texts of its rounds.
pub const PARAGRAPH: &str = "\n\n";

/// The reasoning of a run as it is collected: its thoughts, with a blank line between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningText(String);

impl ReasoningText {
    /// Appends a piece; `starts_another` as in
    /// [`RunEvent::ReasoningDelta`](crate::RunEvent::ReasoningDelta).
    pub fn push(&mut self, text: &str, starts_another: bool) {
        if starts_another {
            self.0.push_str(PARAGRAPH);
        }
        self.0.push_str(text);
    }

    /// Whether nothing was collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it; `None` if it is blank.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        Some(self.0).filter(|text| !text.trim().is_empty())
    }
}

/// How a user rated an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Thumbs up.
    Positive,
    /// Thumbs down.
    Negative,
}

/// Longest user message with the white space around it, in characters: that is kept, too.
const MAX_PADDED_CHARS: usize = 2 * MAX_MESSAGE_CHARS;

/// What a user says: 1 to 10,000 characters; white space around it is kept but not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Checks a message's text.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is blank, too long or contains U+0000.
    pub fn parse(text: String) -> Result<Self, InvalidValue> {
        check_length(&text, MAX_MESSAGE_CHARS)?;
        if text.chars().count() > MAX_PADDED_CHARS {
            return Err(InvalidValue::new("has too much white space around it"));
        }
        Ok(Self(text))
    }

    /// The text as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<MessageText> for String {
    fn from(text: MessageText) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_only_measures() {
        let text = format!("  {}\n", "ñ".repeat(MAX_MESSAGE_CHARS));
        assert_eq!(MessageText::parse(text.clone()).unwrap().as_str(), text);
        assert!(MessageText::parse("ñ".repeat(MAX_MESSAGE_CHARS + 1)).is_err());
        assert!(MessageText::parse(" \t\n".to_owned()).is_err());
        assert!(MessageText::parse(format!("a{}", " ".repeat(MAX_PADDED_CHARS))).is_err());
        assert!(MessageText::parse("a\0".to_owned()).is_err());
    }
}
