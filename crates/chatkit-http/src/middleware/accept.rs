//! Checks whether a caller accepts the media type of the response.

use poem::http::{HeaderMap, header};

use super::paths::MediaTypes;
use crate::problem::ApiError;

/// Checks that the `Accept` header includes one of these media types. Without any, all headers are
/// accepted.
pub(super) fn check(headers: &HeaderMap, offered: MediaTypes) -> Result<(), ApiError> {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    let is_accepted = offered.is_empty()
        || ranges.peek().is_none()
        || ranges.any(|range| includes(range, offered));
    if is_accepted {
        Ok(())
    } else {
        // Problems are only for errors.
        Err(ApiError::NotAcceptable(&offered[..1]))
    }
}

/// Whether a media range (RFC 9110 section 12.5.1) includes one of these, with a weight above 0.
fn includes(range: &str, offered: MediaTypes) -> bool {
    let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
    let is_excluded = parameters.split(';').any(|parameter| {
        let weight = parameter.trim().strip_prefix("q=");
        weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
    });
    let range = range.trim().to_ascii_lowercase();
    let is_match = |media_type: &&str| match range.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => media_type.split('/').next() == Some(kind),
        None => **media_type == range,
    };
    !is_excluded && offered.iter().any(is_match)
}

#[cfg(test)]
mod tests {
    use super::{super::paths::JSON, *};

    #[test]
    fn ranges_include_json_or_not() {
        for range in [
            "*/*",
            "application/json",
            " Application/JSON; q=0.5",
            "application/*;q=0.1",
        ] {
            assert!(includes(range, JSON), "{range}");
        }
        for range in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*; q=0.0",
            "",
        ] {
            assert!(!includes(range, JSON), "{range}");
        }
    }
}
