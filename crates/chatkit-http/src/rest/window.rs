//! The part of a history that a caller asks for.

use chatkit_domain::{Caller, ConversationId, Cursor, CursorScope, MessageWindow, Since};
use chrono::{DateTime, Datelike, NaiveDateTime, Utc};

use crate::problem::ApiError;

/// The window that the parameters name.
pub(super) fn window(
    caller: &Caller,
    conversation: ConversationId,
    before: Option<&str>,
    since: Option<&str>,
) -> Result<MessageWindow, ApiError> {
    match (before, since) {
        (None, None) => Ok(MessageWindow::Newest),
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "before",
            "cannot be used together with `since`",
        )),
        (Some(cursor), None) => Cursor::parse(cursor, scope(caller, conversation))
            .map(|position| MessageWindow::Before(u64::try_from(position.key).unwrap_or_default()))
            .map_err(|error| ApiError::invalid("before", error)),
        (None, Some(since)) => parse_since(since)
            .map(MessageWindow::Since)
            .ok_or_else(|| ApiError::invalid("since", "must be the id of a message, or a time")),
    }
}

/// Parses a message's id, or a time in RFC 3339 format, which is UTC without an offset. A `+` that
/// a client did not escape arrives as a space.
fn parse_since(text: &str) -> Option<Since> {
    if let Ok(id) = text.parse() {
        return Some(Since::Message(id));
    }
    let text = text.replacen(' ', "+", 1);
    let time = DateTime::parse_from_rfc3339(&text)
        .map(|time| time.with_timezone(&Utc))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc())
        });
    // Not all databases support times outside of these years.
    time.ok()
        .filter(|time| (1..=9999).contains(&time.year()))
        .map(Since::Time)
}

/// The scope of cursors for a conversation's messages.
pub(super) fn scope(caller: &Caller, conversation: ConversationId) -> CursorScope {
    let user = caller.user_id().as_str();
    CursorScope::new(&["messages", user, &conversation.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = match parse_since(text) {
            Some(Since::Time(time)) => Some(time.to_rfc3339()),
            Some(Since::Message(id)) => Some(id.to_string()),
            None => None,
        };
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn since_is_an_id_or_a_time() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        check(id, Some(id));
        check("2025-01-02T03:04:05Z", Some("2025-01-02T03:04:05+00:00"));
        check("2025-01-02T03:04:05", Some("2025-01-02T03:04:05+00:00"));
        check(
            "2025-01-02T03:04:05.5",
            Some("2025-01-02T03:04:05.500+00:00"),
        );
        check(
            "2025-01-02T03:04:05+02:00",
            Some("2025-01-02T01:04:05+00:00"),
        );
        check(
            "2025-01-02T03:04:05 02:00",
            Some("2025-01-02T01:04:05+00:00"),
        );
        for wrong in [
            "",
            "yesterday",
            "2025-01-02",
            "1735787045",
            "-9999-01-01T00:00:00",
            "+99999-01-01T00:00:00",
            "0000-01-01T00:00:00Z",
        ] {
            check(wrong, None);
        }
    }
}
