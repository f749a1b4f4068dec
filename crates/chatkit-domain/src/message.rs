//! Messages of the user and the assistant.

use chatkit_protocol::{InferenceOptions, OutputText, UserMessageContent};
use chrono::{DateTime, Utc};

use crate::{
    ConversationId, Feedback, InvalidValue, ItemId, RunId, ToolCall, text::check_length,
    values::named_values,
};

/// The most characters of a user message.
pub const MAX_MESSAGE_CHARS: usize = 10_000;

/// An item with the role `user` or `assistant`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The message's id.
    pub id: ItemId,
    /// The conversation that contains the message.
    pub conversation_id: ConversationId,
    /// The position in the log. Numbers have gaps, because other items are numbered too.
    pub sequence_number: u64,
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
    /// The parts, and other data that a dialect stores besides the text.
    pub details: Option<Box<MessageDetails>>,
    /// Whether the message is complete.
    pub status: MessageStatus,
    /// The reason why the message is incomplete. `None` for a complete message, and for an
    /// incomplete one that an older version stored.
    pub incomplete_reason: Option<IncompleteReason>,
    /// The reasoning that the model showed before and between its text, as plain text.
    pub reasoning: Option<String>,
    /// Whether the model's filter refused this user message. A short note replaces its text in
    /// the model's input.
    pub is_withheld: bool,
    /// The tool calls of the run, in the model's order. In a model's context, a user message has
    /// those of runs that failed to answer it.
    pub tool_calls: Vec<ToolCall>,
    /// The user's rating.
    pub feedback: Option<Feedback>,
    /// The run that wrote the message, or that it started.
    pub run_id: Option<RunId>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens of the whole run, input and output.
    pub tokens_used: Option<u64>,
    /// The time at which the message was stored. Later than the time of the previous item.
    pub created_at: DateTime<Utc>,
}

/// The parts of a message, and other data that a dialect stores with it, for messages that are more
/// than their text.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageDetails {
    /// A user message of the ChatKit protocol.
    User {
        /// The parts.
        content: Vec<UserMessageContent>,
        /// The text that the user quoted.
        quoted_text: Option<String>,
        /// The model and the tool that the user chose.
        inference_options: InferenceOptions,
    },
    /// An assistant message of several parts, or with annotations.
    Assistant {
        /// The parts.
        content: Vec<OutputText>,
    },
}

named_values! {
    /// The author of a message.
    pub enum Role {
        /// The user.
        User = "user",
        /// The assistant.
        Assistant = "assistant",
    }
}

named_values! {
    /// Whether a message is complete.
    pub enum MessageStatus {
        /// The message is complete.
        Completed = "completed",
        /// The answer ended early. [`Message::incomplete_reason`] says why.
        Incomplete = "incomplete",
    }
}

named_values! {
    /// The reason why an assistant message is incomplete.
    pub enum IncompleteReason {
        /// The user stopped the answer.
        Cancelled = "cancelled",
        /// The process died, lost its lease or was shut down.
        Interrupted = "interrupted",
        /// The model failed, or the run exceeded a limit.
        Failed = "failed",
        /// The model reached its length limit.
        Length = "length",
        /// The model's filter withheld the rest.
        ContentFilter = "content_filter",
    }
}

/// Separates the thoughts of one run, and the texts of its rounds.
pub const PARAGRAPH: &str = "\n\n";

/// The reasoning of a run as it is collected: its thoughts, with a blank line between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningText(String);

impl ReasoningText {
    /// Appends a piece; `starts_another` as in
    /// [`RunEvent::Reasoning`](crate::RunEvent::Reasoning).
    pub fn push(&mut self, text: &str, starts_another: bool) {
        if starts_another {
            self.0.push_str(PARAGRAPH);
        }
        self.0.push_str(text);
    }

    /// Whether no reasoning was collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the reasoning, or `None` if it is blank.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        Some(self.0).filter(|text| !text.trim().is_empty())
    }
}

/// The most characters of a user message with the white space around it, which is stored too.
const MAX_PADDED_CHARS: usize = 2 * MAX_MESSAGE_CHARS;

/// The text of a user message: 1 to 10,000 characters. White space around it is stored but not
/// counted.
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
    fn white_space_around_a_message_is_stored() {
        let text = format!("  {}\n", "ñ".repeat(MAX_MESSAGE_CHARS));
        assert_eq!(MessageText::parse(text.clone()).unwrap().as_str(), text);
        assert!(MessageText::parse("ñ".repeat(MAX_MESSAGE_CHARS + 1)).is_err());
        assert!(MessageText::parse(" \t\n".to_owned()).is_err());
        assert!(MessageText::parse(format!("a{}", " ".repeat(MAX_PADDED_CHARS))).is_err());
        assert!(MessageText::parse("a\0".to_owned()).is_err());
    }
}
