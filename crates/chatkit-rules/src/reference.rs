//! The references of a request to tasks, by number or title.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::{Prepared, pattern};

/// A reference to tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Numbers(Vec<u64>),
    Title(String),
    All,
}

const WORDS: [&str; 20] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    let number = format!(r"(?:task\s+|number\s+)?#?\s?(?:\d+|{})", WORDS.join("|"));
    pattern(&format!(
        r"^(?:the\s+|my\s+)?(?:tasks?|items?|to-?dos?|numbers?|nos?\.?)?\s*(?:numbers?|no\.?|nr\.?|id)?\s*({number}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*|\s+){number})*)$"
    ))
});

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"\d+|\b(?:{})\b", WORDS.join("|"))));

static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:the\s+|my\s+)?(?:({})|(\d+)(?:st|nd|rd|th))\s+(?:task|item|one|to-?do)$",
        ORDINALS.join("|")
    ))
});

static ALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:all|everything|them all|all of them|(?:all|every)(?:\s+of)?(?:\s+(?:my|the))?(?:\s+\w+)?\s+(?:tasks?|to-?dos?|items?)|(?:my|the)\s+(?:whole\s+|entire\s+)?(?:tasks|to-?dos|list|to-?do list|task list))$",
    )
});

static NOUN_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:the\s+|my\s+)?(?:(?:task|item|to-?do)\s+)?(?:(?:called|named|titled|to|about)\s+)?",
    )
});

static NOUN_AFTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s+(?:task|item|to-?do)$"));

impl Reference {
    /// Parses the reference in a part of the request. Returns `None` if there is none.
    pub(crate) fn parse(request: &Prepared, part: &str) -> Option<Self> {
        let part = part.trim();
        if ALL.is_match(part) {
            return Some(Self::All);
        }
        if let Some(numbers) = numbers(part) {
            return Some(Self::Numbers(numbers));
        }
        if let Some(quotation) = request.quotations_in(part).into_iter().next() {
            return Some(Self::Title(quotation));
        }
        let start = NOUN_BEFORE.find(part).map_or(0, |found| found.end());
        let end = NOUN_AFTER
            .find_at(part, start)
            .map_or(part.len(), |found| found.start());
        let title = part.get(start..end).unwrap_or_default().trim();
        (!title.is_empty()).then(|| Self::Title(request.restore(title)))
    }
}

/// Parses a text that consists of numbers only.
pub(crate) fn numbers(text: &str) -> Option<Vec<u64>> {
    let text = text.trim();
    if let Some(found) = ORDINAL.captures(text) {
        let number = match (found.get(1), found.get(2)) {
            (Some(word), _) => value_of(word.as_str(), &ORDINALS),
            (None, Some(digits)) => digits.as_str().parse().ok(),
            (None, None) => None,
        };
        return number.map(|number| vec![number]);
    }
    let list = NUMBERS.captures(text)?;
    let mut numbers = Vec::new();
    for found in NUMBER.find_iter(&list[1]) {
        let number = value_of(found.as_str(), &WORDS).or_else(|| found.as_str().parse().ok())?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Some(numbers)
}

fn value_of(word: &str, words: &[&str]) -> Option<u64> {
    let index = words
        .iter()
        .position(|known| known.eq_ignore_ascii_case(word))?;
    Some(index as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Reference) {
        let request = Prepared::new(text);
        assert_eq!(
            Reference::parse(&request, &request.text),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_parsed_from_digits_words_and_ordinals() {
        for text in [
            "task 3",
            "3",
            "#3",
            "task #3",
            "number 3",
            "task number three",
            "three",
            "the third task",
            "the 3rd one",
        ] {
            check(text, Reference::Numbers(vec![3]));
        }
        for text in [
            "tasks 1, 2 and 3",
            "1, 2, and 3",
            "task one, two & three",
            "task 1 and task 2 and 3",
        ] {
            check(text, Reference::Numbers(vec![1, 2, 3]));
        }
    }

    #[test]
    fn titles_are_parsed_with_and_without_quotes() {
        for text in [
            "buy milk",
            "\"buy milk\"",
            "the task called 'buy milk'",
            "the buy milk task",
            "task buy milk",
        ] {
            check(text, Reference::Title("buy milk".to_owned()));
        }
        check("2 apples", Reference::Title("2 apples".to_owned()));
    }

    #[test]
    fn words_for_all_tasks_are_recognized() {
        for text in [
            "all",
            "everything",
            "all my tasks",
            "every task",
            "all completed tasks",
        ] {
            check(text, Reference::All);
        }
    }
}
