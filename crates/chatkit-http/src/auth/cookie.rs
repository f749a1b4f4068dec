//! Tokens in a cookie, as browsers send them without being asked (RFC 6265).

use poem::{
    Request,
    http::{HeaderMap, Method, header},
};

use crate::state::ApiState;

/// The name of the cookie.
const NAME: &str = "auth_token";

/// The token of the cookie, if there is one.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == NAME).then_some(value))?;
    let value = value.trim_matches('"');
    // Some front ends keep the whole header's value.
    let value = value
        .strip_prefix("Bearer ")
        .or_else(|| value.strip_prefix("Bearer%20"))
        .unwrap_or(value);
    (!value.is_empty()).then_some(value)
}

/// Whether a request whose caller is known by the cookie comes from a page that may act for them.
/// A browser sends the cookie along with whatever request any page makes.
pub(super) fn is_of_trusted_page(request: &Request, state: &ApiState) -> bool {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return true;
    }
    if request.header("sec-fetch-site") == Some("same-origin") {
        return true;
    }
    let options = state.options();
    request.header(header::ORIGIN).is_some_and(|origin| {
        origin == options.public_url || options.cors_origins.iter().any(|known| known == origin)
    })
}

/// A cookie that keeps a token for this long, in seconds: out of reach of scripts, and sent only
/// with requests of pages of this site. Zero seconds remove it.
pub(crate) fn set(token: &str, seconds: u64, public_url: &str) -> String {
    let secure = if public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    format!("{NAME}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
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
