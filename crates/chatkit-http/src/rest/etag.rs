//! Compares entity tags.

/// Whether an `If-None-Match` header matches this tag (RFC 9110 section 13.1.2). Tags are compared
/// weakly. The header may be a list, or `*`.
pub(super) fn matches_etag(header: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    header.trim() == "*" || header.split(',').any(|tag| opaque(tag) == opaque(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_weakly_and_in_lists() {
        let etag = "W/\"1-7\"";
        for header in ["W/\"1-7\"", "\"1-7\"", "\"x\", W/\"1-7\"", "*"] {
            assert!(matches_etag(header, etag), "{header}");
        }
        for header in ["", "\"1-70\"", "1-7", "W/\"1-6\""] {
            assert!(!matches_etag(header, etag), "{header}");
        }
    }
}
