//! Tokens in a cookie, which browsers send by themselves (RFC 6265).

use poem::http::{HeaderMap, Method, header};

/// The name of the cookie.
const NAME: &str = "auth_token";

/// The token in the cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == NAME).then_some(value))?;
    let value = value.trim_matches('"');
    // Some front ends store the whole value of the Authorization header.
    let value = value
        .strip_prefix("Bearer ")
        .or_else(|| value.strip_prefix("Bearer%20"))
        .unwrap_or(value);
    (!value.is_empty()).then_some(value)
}

/// The origins whose pages may act for a user whom the browser makes known by itself, for example
/// with a cookie.
///
/// An [`Authenticator`](super::authenticator::Authenticator) for such requests returns
/// [`AuthFailure::ForeignOrigin`](super::failure::AuthFailure::ForeignOrigin) unless
/// [`may_send`](Self::may_send) allows them.
#[derive(Clone, Debug, Default)]
pub struct TrustedOrigins(Vec<String>);

impl FromIterator<String> for TrustedOrigins {
    fn from_iter<I: IntoIterator<Item = String>>(origins: I) -> Self {
        Self(origins.into_iter().collect())
    }
}

impl TrustedOrigins {
    /// Whether the request changes nothing, or comes from a page of the server itself
    /// (`Sec-Fetch-Site: same-origin`) or of a trusted origin (`Origin`). A browser adds the cookie
    /// to the requests of any page.
    #[must_use]
    pub fn may_send(&self, method: &Method, headers: &HeaderMap) -> bool {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return true;
        }
        let is_same_origin = headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "same-origin");
        is_same_origin
            || headers
                .get(header::ORIGIN)
                .is_some_and(|origin| self.0.iter().any(|trusted| origin == trusted.as_str()))
    }
}

/// A cookie that holds a token for this many seconds. Scripts cannot read it, and browsers send it
/// only with requests of pages of this site. With zero seconds, browsers remove it.
pub(crate) fn set(token: &str, seconds: u64, public_url: &str, base_path: &str) -> String {
    let secure = if public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let path = if base_path.is_empty() { "/" } else { base_path };
    format!("{NAME}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let check = |cookies: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookies.parse().unwrap());
            assert_eq!(token(&headers), expected, "{cookies}");
        };
        check("auth_token=a.b.c", Some("a.b.c"));
        check("theme=dark; auth_token=a.b.c; x=y", Some("a.b.c"));
        check("auth_token=\"a.b.c\"", Some("a.b.c"));
        check("auth_token=Bearer a.b.c", Some("a.b.c"));
        check("auth_token=Bearer%20a.b.c", Some("a.b.c"));
        check("xauth_token=a; auth_tokens=b", None);
        check("auth_token=", None);
    }
}
