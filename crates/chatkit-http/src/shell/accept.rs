//! Whether a caller accepts what the API sends: JSON, or the events of a run.

use poem::{Request, http::header};

use crate::problem::ApiError;

/// Refuses a call of the API whose `Accept` header excludes what it answers with.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    // Answers of `/api/v1/chatkit` may also be streams.
    let path = request.uri().path();
    if !path.starts_with("/api/") || path == "/api/v1/chatkit" {
        return Ok(());
    }
    let mut accepted = request.headers().get_all(header::ACCEPT).iter().peekable();
    if accepted.peek().is_none() {
        return Ok(());
    }
    let mut ranges = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    let wanted: &[&str] = if path.ends_with("/events") {
        &EVENTS
    } else {
        &JSON
    };
    if ranges.peek().is_none() || ranges.any(|range| includes(range, wanted)) {
        Ok(())
    } else {
        Err(ApiError::NotAcceptable)
    }
}

/// The ranges that include what most operations answer with.
const JSON: [&str; 4] = [
    "*/*",
    "application/*",
    "application/json",
    "application/problem+json",
];

/// The ranges that include a stream of events.
const EVENTS: [&str; 3] = ["*/*", "text/*", "text/event-stream"];

/// Whether a media range (RFC 9110 section 12.5.1) is one of these, and not excluded.
fn includes(range: &str, wanted: &[&str]) -> bool {
    let (media_type, parameters) = range.split_once(';').unwrap_or((range, ""));
    let excluded = parameters.split(';').any(|parameter| {
        let weight = parameter.trim().strip_prefix("q=");
        weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
    });
    wanted.contains(&media_type.trim().to_ascii_lowercase().as_str()) && !excluded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_json_or_not() {
        for range in [
            "*/*",
            "application/json",
            " Application/JSON; q=0.5",
            "application/*;q=0.1",
        ] {
            assert!(includes(range, &JSON), "{range}");
        }
        for range in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*; q=0.0",
            "",
        ] {
            assert!(!includes(range, &JSON), "{range}");
        }
    }
}
