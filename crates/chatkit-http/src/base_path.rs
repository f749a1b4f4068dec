//! The path under which clients see the API.

use std::{fmt, str::FromStr};

use chatkit_domain::InvalidValue;

/// The first segments of the routes. If the base path started with one of them, it would not be clear
/// whether a proxy has already removed it.
const ROUTES: [&str; 8] = [
    "api",
    "assets",
    "chatkit",
    "docs",
    "health",
    "metrics",
    "openapi.yaml",
    "v1",
];

/// The path under which clients see the API, such as `/assistant`. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// Checks a path. Slashes at its start and end make no difference.
    ///
    /// # Errors
    /// [`InvalidValue`] if a segment is empty, consists of dots, or has other characters than
    /// ASCII letters, digits and `-._~` (RFC 3986, section 2.3), or if the first segment is that of
    /// one of the server's own paths, such as `api`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let path = text.trim_matches('/');
        if path.is_empty() {
            return Ok(Self::default());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_segment =
            |segment: &str| segment.bytes().all(is_plain) && !segment.trim_matches('.').is_empty();
        if !path.split('/').all(is_segment) {
            return Err(InvalidValue::new(
                "must be segments of letters, digits and -._~",
            ));
        }
        let first = path.split('/').next().unwrap_or_default();
        if ROUTES.contains(&first) {
            let reason = format!("must not start with /{first}, which is a path of the server");
            return Err(InvalidValue::new(reason));
        }
        Ok(Self(format!("/{path}")))
    }

    /// The path: empty, or with a slash at its start only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BasePath {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(text)
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_make_no_difference() {
        for text in ["assistant", "/assistant", "assistant/", "/assistant/"] {
            assert_eq!(BasePath::parse(text).unwrap().as_str(), "/assistant");
        }
        assert_eq!(BasePath::parse("/a/b").unwrap().as_str(), "/a/b");
        assert_eq!(BasePath::parse("/").unwrap().as_str(), "");
    }

    #[test]
    fn other_characters_and_paths_of_the_server_are_refused() {
        for text in [
            "/a;b", "/a b", "/a'b", "/a//b", "/..", "/a/.", "/é", "/api", "/v1/x",
        ] {
            assert!(BasePath::parse(text).is_err(), "{text}");
        }
        assert!(BasePath::parse("/apis").is_ok());
    }

    #[test]
    fn the_first_segments_of_all_routes_are_refused() {
        for route in crate::unpublished_routes() {
            if route.path != "/" {
                assert!(BasePath::parse(route.path).is_err(), "{}", route.path);
            }
        }
    }
}
