//! Search that ignores case and the composition of characters.

use unicode_normalization::UnicodeNormalization;

use crate::{InvalidValue, text::check_length};

/// The most characters of a search text.
const MAX_QUERY_CHARS: usize = 200;

/// Text in the form in which it is searched: NFKC (Unicode Annex 15), lower case, one sigma.
#[must_use]
pub fn fold(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase).nfkc();
    lower.map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// A search text: 1 to 200 characters, taken literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery(String);

impl SearchQuery {
    /// Checks and folds a search text.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is blank, too long or contains U+0000.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_length(text, MAX_QUERY_CHARS)?;
        Ok(Self(fold(text.trim())))
    }

    /// The folded text.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.0
    }

    /// A `LIKE` pattern that finds the text anywhere; `\` is its escape character.
    #[must_use]
    pub fn like_pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.0.len() + 2);
        pattern.push('%');
        for character in self.0.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_width_and_composition() {
        assert_eq!(fold("ÄPFEL"), fold("a\u{308}pfel"));
        assert_eq!(fold("ＡＢＣ"), "abc");
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
    }

    #[test]
    fn wildcards_are_literal() {
        let query = SearchQuery::parse(" 50%_a\\b ").unwrap();
        assert_eq!(query.like_pattern(), r"%50\%\_a\\b%");
    }
}
