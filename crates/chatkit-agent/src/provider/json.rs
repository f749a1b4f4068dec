//! Parses JSON from model servers, whose text may contain lone surrogates or invalid UTF-8.
//!
//! A server that splits its text between two UTF-16 units sends an emoji as `"\ud83d"` in one event
//! and `"\ude00"` in the next. A lone half cannot be a Rust `char`, so the parser replaces it by a
//! stand-in. [`Halves`] joins the stand-in with its other half, or replaces it by U+FFFD.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// The stand-in for U+D800. The 2,048 stand-ins are the last Unicode code points.
const FIRST_STAND_IN: u32 = 0x0010_F800;

/// A JSON value, and whether its texts may contain stand-ins for halves.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    pub(crate) value: T,
    pub(crate) has_halves: bool,
}

/// Parses JSON that may contain lone halves of surrogate pairs.
///
/// # Errors
/// Returns an error for other invalid JSON, or if the value has another type.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Parsed<T>, serde_json::Error> {
    let text = String::from_utf8_lossy(bytes);
    let (text, has_halves) = match with_stand_ins(&text) {
        Cow::Borrowed(_) => (text, false),
        Cow::Owned(text) => (Cow::Owned(text), true),
    };
    let value = serde_json::from_str(&text)?;
    Ok(Parsed { value, has_halves })
}

/// Replaces each escaped lone half by its stand-in.
fn with_stand_ins(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let escape = at + found;
        at = (escape + 2).min(json.len());
        // The character after a backslash may have several bytes.
        while !json.is_char_boundary(at) {
            at += 1;
        }
        let Some(unit) = escaped_unit(json, escape) else {
            continue;
        };
        at = escape + 6;
        let next = escaped_unit(json, at);
        match unit {
            0xD800..=0xDBFF if next.is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) => at += 6,
            0xD800..=0xDFFF => {
                out.push_str(&json[copied..escape]);
                out.extend(char::from_u32(FIRST_STAND_IN + (unit - 0xD800)));
                copied = at;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[copied..]);
    Cow::Owned(out)
}

/// Returns the UTF-16 unit of the escape `\uXXXX` at this position.
fn escaped_unit(json: &str, at: usize) -> Option<u32> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    u32::from_str_radix(digits, 16).ok()
}

/// Joins halves that arrive in different pieces of a text.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    high: Option<u32>,
}

impl Halves {
    /// Joins the halves in a piece. A high half at its end waits for the next piece.
    pub(crate) fn join(&mut self, piece: String, has_halves: bool) -> String {
        if !has_halves && self.high.is_none() {
            return piece;
        }
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            let unit = u32::from(c)
                .checked_sub(FIRST_STAND_IN)
                .filter(|_| has_halves);
            let unit = unit.map(|offset| 0xD800 + offset);
            match (self.high.take(), unit) {
                (Some(high), Some(low @ 0xDC00..)) => {
                    let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    out.extend(char::from_u32(code));
                    continue;
                }
                (Some(_), _) => out.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match unit {
                Some(high @ ..0xDC00) => self.high = Some(high),
                Some(_) => out.push(char::REPLACEMENT_CHARACTER),
                None => out.push(c),
            }
        }
        out
    }

    /// Returns the replacement for a half that is still waiting when the text ends.
    pub(crate) fn end(&mut self) -> Option<String> {
        let replacement = char::REPLACEMENT_CHARACTER.to_string();
        self.high.take().map(|_| replacement)
    }

    /// Joins the halves in a complete text.
    pub(crate) fn join_whole(text: String) -> String {
        let mut halves = Self::default();
        let mut joined = halves.join(text, true);
        joined.extend(halves.end());
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &str) {
        let mut halves = Halves::default();
        let mut text = String::new();
        for piece in pieces {
            let parsed = parse::<String>(piece.as_bytes()).unwrap();
            text.push_str(&halves.join(parsed.value, parsed.has_halves));
        }
        text.extend(halves.end());
        assert_eq!(text, expected, "{pieces:?}");
    }

    #[test]
    fn halves_are_joined_across_pieces_and_replaced_alone() {
        check(&[r#""a\ud83d""#, r#""\uDE00b""#], "a😀b");
        check(&[r#""\ud83d\ude00""#], "😀");
        check(&[r#""\ud83d\ud83d\ude00""#], "\u{fffd}😀");
        check(&[r#""\ud83d""#], "\u{fffd}");
        check(&[r#""\ude00x""#], "\u{fffd}x");
        check(&[r#""\ud83d""#, r#""x""#], "\u{fffd}x");
        check(
            &[r#""\\ud83d é\é""#.replace("\\é", "").as_str()],
            "\\ud83d é",
        );
        // Otherwise, the code points of the stand-ins are ordinary text.
        check(&["\"\u{10f83d}\u{10fe00}\""], "\u{10f83d}\u{10fe00}");
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        let parsed = parse::<String>(b"\"a\xff\"").unwrap();
        assert_eq!(parsed.value, "a\u{fffd}");
        assert!(parse::<String>(b"\"\\").is_err());
        assert!(parse::<String>("\"\\ud83\u{e9}".as_bytes()).is_err());
    }
}
