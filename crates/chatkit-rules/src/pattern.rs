//! Prepares text for matching: replaces quotations and removes polite phrases.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Compiles a constant pattern that ignores case.
pub(crate) fn pattern(text: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "patterns are constants, and a test compiles each"
    )]
    Regex::new(&format!("(?i){text}")).expect("a constant pattern")
}

static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(^|[\s:,(-])(?:"([^"]+)"|“([^”]+)”|‘([^’]+)’|«\s*([^»]+?)\s*»|`([^`]+)`|'([^'\s](?:[^']|'\w)*?)')($|[\s:;,.!?)])"#,
    )
});

static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:hi|hello|hey|ok|okay|oh|so|well|now|please|pls|kindly|just)\b[\s,!.]+|(?:can|could|would|will) you (?:please |kindly |just )*|i(?: want|'d like|’d like| would like| need) you to |i(?: want|'d like|’d like| would like) to |let's |let’s |let us )",
    )
});

static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:[\s,]+(?:please|pls|thanks|thank you|thx|for me|now))?[\s.!?]*$")
});

/// The first character that replaces a quotation. It is in a private use area of Unicode.
const FIRST_MARK: u32 = 0xE000;
const MARKS: u32 = 64;

/// A request in which a single character replaces each quotation.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The request without quotations and polite phrases.
    pub(crate) text: String,
    quotations: Vec<String>,
}

impl Prepared {
    pub(crate) fn new(text: &str) -> Self {
        let mut quotations = Vec::new();
        let plain: String = text
            .trim()
            .chars()
            .filter(|c| mark_of(*c).is_none())
            .collect();
        let mut text = plain;
        // Adjacent quotations share the white space between them, so they are replaced one by one.
        while quotations.len() < MARKS as usize {
            let Some(found) = QUOTED.captures(&text) else {
                break;
            };
            let quoted = (2..=7).find_map(|group| found.get(group));
            let mark = char::from_u32(FIRST_MARK + quotations.len() as u32);
            let (Some(quoted), Some(mark)) = (quoted, mark) else {
                break;
            };
            let replaced = format!("{}{mark}{}", &found[1], &found[8]);
            let range = found.get(0).map_or(0..0, |whole| whole.range());
            quotations.push(quoted.as_str().trim().to_owned());
            text.replace_range(range, &replaced);
        }
        let end = CLOSING
            .find(&text)
            .map_or(text.len(), |found| found.start());
        text.truncate(end);
        while let Some(opening) = OPENING.find(&text) {
            text.replace_range(opening.range(), "");
        }
        Self { text, quotations }
    }

    /// Returns the first match of a pattern in the request.
    pub(crate) fn captures(&self, pattern: &Regex) -> Option<Captures<'_>> {
        pattern.captures(&self.text)
    }

    /// Prepares a part of the request with the same quotations.
    pub(crate) fn part(&self, text: &str) -> Self {
        Self {
            text: text.trim().to_owned(),
            quotations: self.quotations.clone(),
        }
    }

    /// Returns the quotations in a part of the request.
    pub(crate) fn quotations_in(&self, part: &str) -> Vec<String> {
        part.chars()
            .filter_map(|c| self.quotations.get(mark_of(c)? as usize).cloned())
            .collect()
    }

    /// Restores the quotations in a part of the request.
    pub(crate) fn restore(&self, part: &str) -> String {
        let mut text = String::with_capacity(part.len());
        for character in part.trim().chars() {
            match mark_of(character).and_then(|mark| self.quotations.get(mark as usize)) {
                Some(quotation) => {
                    text.push('"');
                    text.push_str(quotation);
                    text.push('"');
                }
                None => text.push(character),
            }
        }
        text
    }

    /// Returns the name in a part of the request. A quotation is taken literally. Other text gets a
    /// capital letter and loses its final period.
    pub(crate) fn name(&self, part: &str) -> String {
        let part = part.trim();
        let mut characters = part.chars();
        if let (Some(first), None) = (characters.next(), characters.next())
            && let Some(quotation) =
                mark_of(first).and_then(|mark| self.quotations.get(mark as usize))
        {
            return quotation.clone();
        }
        let text = self.restore(part);
        let text = text.trim_end_matches(['.', '!', '?', ',', ';', ':', ' ']);
        let mut characters = text.chars();
        match characters.next() {
            Some(first) => first.to_uppercase().chain(characters).collect(),
            None => String::new(),
        }
    }
}

fn mark_of(character: char) -> Option<u32> {
    (character as u32)
        .checked_sub(FIRST_MARK)
        .filter(|mark| *mark < MARKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, prepared: &str, quotations: &[&str]) {
        let found = Prepared::new(text);
        let marks_as_q: String = found
            .text
            .chars()
            .map(|c| if mark_of(c).is_some() { 'Q' } else { c })
            .collect();
        assert_eq!(marks_as_q, prepared);
        assert_eq!(found.quotations, quotations);
    }

    #[test]
    fn polite_phrases_are_removed() {
        check("Please add milk.", "add milk", &[]);
        check(
            "Hi, could you please show my tasks, thanks!",
            "show my tasks",
            &[],
        );
        check("I'd like to add milk", "add milk", &[]);
        check("hello", "hello", &[]);
    }

    #[test]
    fn quotations_are_replaced_but_apostrophes_are_not() {
        check(
            "rename \"a to b\" to 'c'",
            "rename Q to Q",
            &["a to b", "c"],
        );
        check("add “x” ‘y’", "add Q Q", &["x", "y"]);
        check(
            "don't forget mom's and dad's",
            "don't forget mom's and dad's",
            &[],
        );
        check("add 'mom's cake'", "add Q", &["mom's cake"]);
    }
}
