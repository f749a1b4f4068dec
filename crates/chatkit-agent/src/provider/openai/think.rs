//! Separates reasoning that a server leaves in the text: `<think>…</think>` at the start of an
//! answer.

/// The opening tags and their closing tags.
const TAGS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
];

/// The maximum number of bytes of whitespace before a tag that are held back.
const MAX_LEADING_BYTES: usize = 256;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Reasoning(String),
}

/// Separates reasoning at the start of an answer from its text.
#[derive(Debug, Default)]
pub(super) struct ThinkSplitter {
    /// Text that may be the start of a tag.
    held: String,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Only whitespace has arrived.
    #[default]
    Start,
    /// The tag that this text closes was opened. Only whitespace has arrived since.
    Opened(&'static str),
    /// The reasoning has started. This text closes it.
    Within(&'static str),
    /// The reasoning was closed. Only whitespace has arrived since.
    After,
    /// The text has started. Tags in it are ordinary text.
    Text,
}

impl ThinkSplitter {
    /// Reads more text. Returns the pieces in order, and holds back text that may be part of a tag.
    pub(super) fn read(&mut self, text: String) -> Vec<Piece> {
        if matches!(self.place, Place::Text) {
            return vec![Piece::Text(text)];
        }
        self.held.push_str(&text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// Returns the text that is still held back when the answer ends.
    pub(super) fn end(&mut self) -> Option<Piece> {
        let held = std::mem::take(&mut self.held);
        let piece = match self.place {
            Place::Opened(_) | Place::Within(_) => Piece::Reasoning(held),
            Place::Start | Place::After | Place::Text => Piece::Text(held),
        };
        let (Piece::Text(text) | Piece::Reasoning(text)) = &piece;
        (!text.is_empty()).then_some(piece)
    }

    /// Takes one step. Returns whether another step may follow.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.place {
            Place::Start => self.start(),
            Place::Opened(close) => {
                let blank = self.held.len() - self.held.trim_start().len();
                self.held.drain(..blank);
                if !self.held.is_empty() {
                    self.place = Place::Within(close);
                }
                !self.held.is_empty()
            }
            Place::Within(close) => self.within(close, pieces),
            Place::After => {
                let text = self.held.trim_start();
                if !text.is_empty() {
                    pieces.push(Piece::Text(text.to_owned()));
                    self.place = Place::Text;
                }
                self.held.clear();
                false
            }
            Place::Text => {
                if !self.held.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut self.held)));
                }
                false
            }
        }
    }

    fn start(&mut self) -> bool {
        let text = self.held.trim_start();
        for (open, close) in TAGS {
            if let Some(rest) = text.strip_prefix(open) {
                self.held = rest.to_owned();
                self.place = Place::Opened(close);
                return true;
            }
        }
        let may_be_tag = TAGS.iter().any(|(open, _)| open.starts_with(text));
        if may_be_tag && self.held.len() <= MAX_LEADING_BYTES {
            return false;
        }
        self.place = Place::Text;
        true
    }

    fn within(&mut self, close: &'static str, pieces: &mut Vec<Piece>) -> bool {
        let (thought, is_closed) = match self.held.find(close) {
            Some(at) => (at, true),
            None => (self.held.len() - partial_end(&self.held, close), false),
        };
        let rest = self.held.split_off(thought);
        let thought = std::mem::replace(&mut self.held, rest);
        if !thought.is_empty() {
            pieces.push(Piece::Reasoning(thought));
        }
        if is_closed {
            self.held.drain(..close.len());
            self.place = Place::After;
        }
        is_closed
    }
}

/// Returns the length of the longest suffix of the text that is a prefix of the tag.
fn partial_end(text: &str, tag: &str) -> usize {
    let longest = tag.len().min(text.len());
    let lengths = (1..=longest).rev();
    let mut lengths = lengths.filter(|length| text.is_char_boundary(text.len() - length));
    let found = lengths.find(|length| tag.starts_with(&text[text.len() - length..]));
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, thought: &str, rest: &str) {
        for size in [text.len().max(1), 1, 4] {
            let mut splitter = ThinkSplitter::default();
            let (mut reasoning, mut answer) = (String::new(), String::new());
            let chars: Vec<char> = text.chars().collect();
            let pieces: Vec<Piece> = chars
                .chunks(size)
                .flat_map(|piece| splitter.read(piece.iter().collect()))
                .collect();
            for piece in pieces.into_iter().chain(splitter.end()) {
                match piece {
                    Piece::Text(text) => answer.push_str(&text),
                    Piece::Reasoning(text) => reasoning.push_str(&text),
                }
            }
            assert_eq!(
                (reasoning.as_str(), answer.as_str()),
                (thought, rest),
                "{text}"
            );
        }
    }

    #[test]
    fn leading_reasoning_is_separated_from_the_text() {
        check("<think>I see.</think>\n\nHello", "I see.", "Hello");
        check(
            "\n <think>\nI </thi see</think>Hello",
            "I </thi see",
            "Hello",
        );
        check("<thinking>é</thinking> Hello", "é", "Hello");
        check("<think></think>Hello", "", "Hello");
        check("<think>never closed", "never closed", "");
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in [
            "",
            "Hello",
            " Hello",
            "<thin",
            "<b>x</b>",
            "a <think>b</think>",
            "< think>",
        ] {
            check(text, "", text);
        }
        check(
            "<think>a</think>b<think>c</think>",
            "a",
            "b<think>c</think>",
        );
    }
}
