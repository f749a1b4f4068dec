//! One chat of one user.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{ConversationId, InvalidValue, UserId, text::check_length};

/// What a conversation is called until somebody, or its first message, names it.
pub const DEFAULT_TITLE: &str = "New Conversation";

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// Longest title that is made from a message, in characters, the ellipsis included.
const MAX_AUTOMATIC_TITLE_CHARS: usize = 60;

/// A conversation as its user sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its id, the same in every dialect.
    pub id: ConversationId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is called.
    pub title: Title,
    /// Whether that is only what every new conversation is called.
    pub title_is_default: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When a message was last added, or the title changed.
    pub updated_at: DateTime<Utc>,
    /// How many messages its history holds.
    pub message_count: u64,
    /// Whether its user may go on with it, as clients that can are told.
    pub status: ConversationStatus,
    /// The domains of which images in answers are shown; of all, when there is no list.
    pub image_domains: Option<Vec<String>>,
    /// What an embedding service keeps with it. No client sees it.
    pub metadata: Map<String, Value>,
}

/// Whether its user may go on with a conversation. The server refuses nothing by itself: clients
/// disable their composer, and what answers decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConversationStatus {
    /// Yes.
    #[default]
    Active,
    /// Not now.
    Locked {
        /// Why, for the user.
        reason: Option<String>,
    },
    /// Not any more.
    Closed {
        /// Why, for the user.
        reason: Option<String>,
    },
}

/// A conversation to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversation {
    /// Its id.
    pub id: ConversationId,
    /// A chosen title; without one it is named after its first message.
    pub title: Option<Title>,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// A title: 1 to 200 characters, no white space around it.
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

    /// A title that was checked when it was stored.
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

/// The title that a conversation takes from its first user message: the first line that is not
/// blank, at most 60 characters, cut at a word, the `…` counted.
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
    fn one_long_word_is_cut_inside() {
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
