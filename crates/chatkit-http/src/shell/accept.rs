//! Whether a caller accepts what the API sends: JSON.

use poem::{Request, http::header};

use crate::problem::ApiError;

/// Refuses a call of the API whose `Accept` header excludes JSON.
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
    if ranges.peek().is_none() || ranges.any(is_json) {
        Ok(())
    } else {
        Err(ApiError::NotAcceptable)
    }
}

/// Whether a media range (RFC 9110 section 12.5.1) includes JSON.
fn is_json(range: &str) -> bool {
    let (media_type, parameters) = range.split_once(';').unwrap_or((range, ""));
    let excluded = parameters.split(';').any(|parameter| {
        let weight = parameter.trim().strip_prefix("q=");
        weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
    });
    let included = matches!(
        media_type.trim().to_ascii_lowercase().as_str(),
        "*/*" | "application/*" | "application/json" | "application/problem+json"
    );
    included && !excluded
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
            assert!(is_json(range), "{range}");
        }
        for range in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*; q=0.0",
            "",
        ] {
            assert!(!is_json(range), "{range}");
        }
    }
}
