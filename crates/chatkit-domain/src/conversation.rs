//! Conversations.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{ConversationId, ConversationStatus, InvalidValue, UserId, text::check_length};

/// The title of a conversation until a user or the first message sets one.
pub const DEFAULT_TITLE: &str = "New Conversation";

/// The most characters of a title.
pub const MAX_TITLE_CHARS: usize = 200;

/// The most characters of a title that comes from a message, with the ellipsis.
const MAX_AUTOMATIC_TITLE_CHARS: usize = 60;

/// A chat of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// The conversation's id, the same in every dialect.
    pub id: ConversationId,
    /// The owner.
    pub user_id: UserId,
    /// The title.
    pub title: Title,
    /// Whether the title is still the default.
    pub title_is_default: bool,
    /// The time at which the conversation was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last message or change of the title.
    pub updated_at: DateTime<Utc>,
    /// The number of messages in the history.
    pub message_count: u64,
    /// Whether the user may keep writing. ChatKit clients lock the composer accordingly. The server
    /// accepts messages in any status.
    pub status: ConversationStatus,
    /// The domains of images that clients show in answers. `None` allows all.
    pub image_domains: Option<Vec<String>>,
    /// Data that an embedding service stores with the conversation. No client sees it.
    pub metadata: Map<String, Value>,
}

/// A conversation to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversation {
    /// The id.
    pub id: ConversationId,
    /// A chosen title. Without one, the first message becomes the title.
    pub title: Option<Title>,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// A title: 1 to 200 characters, without white space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Checks and trims a title.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is blank, too long or contains U+0000.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_length(text, MAX_TITLE_CHARS)?;
        Ok(Self(text.trim().to_owned()))
    }

    /// Creates a title that was checked when it was stored.
    #[must_use]
    pub fn from_storage(text: String) -> Self {
        Self(text)
    }

    /// The title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Title {
    fn default() -> Self {
        Self(DEFAULT_TITLE.to_owned())
    }
}

/// The title that a conversation gets from its first user message: the first line that is not
/// blank, cut between words to at most 60 characters, including the `…`.
#[must_use]
pub fn automatic_title(message: &str) -> Title {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or(DEFAULT_TITLE);
    if line.chars().count() <= MAX_AUTOMATIC_TITLE_CHARS {
        return Title(line.to_owned());
    }
    let cut = line
        .char_indices()
        .nth(MAX_AUTOMATIC_TITLE_CHARS - 1)
        .map_or(line.len(), |(index, _)| index);
    let (head, tail) = line.split_at(cut);
    let whole_words = if tail.starts_with(char::is_whitespace) {
        head
    } else {
        head.rsplit_once(char::is_whitespace)
            .map_or(head, |(words, _)| words)
    };
    Title(format!("{}…", whole_words.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        let title = automatic_title(message);
        assert_eq!(title.as_str(), expected);
        assert!(title.as_str().chars().count() <= MAX_AUTOMATIC_TITLE_CHARS);
    }

    #[test]
    fn a_short_first_line_is_the_title() {
        check("Hello", "Hello");
        check("\n  \n  Hello there \nsecond line", "Hello there");
    }

    #[test]
    fn a_long_line_is_cut_at_a_word() {
        check(
            "Please add a task to buy groceries for the whole family this weekend",
            "Please add a task to buy groceries for the whole family…",
        );
        check(
            "123456789 123456789 123456789 123456789 123456789 123456789 tail",
            "123456789 123456789 123456789 123456789 123456789 123456789…",
        );
    }

    #[test]
    fn a_single_long_word_is_cut() {
        check(&"é".repeat(80), &format!("{}…", "é".repeat(59)));
        check(&"é".repeat(60), &"é".repeat(60));
    }

    #[test]
    fn titles_are_trimmed_and_measured_in_characters() {
        assert_eq!(Title::parse("  a b ").unwrap().as_str(), "a b");
        assert!(Title::parse(&"ü".repeat(200)).is_ok());
        assert!(Title::parse(&"ü".repeat(201)).is_err());
        assert!(Title::parse(" \n").is_err());
        assert!(Title::parse("a\0b").is_err());
    }
}
