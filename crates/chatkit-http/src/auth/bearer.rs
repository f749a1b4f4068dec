//! Tokens in the `Authorization` header (RFC 6750 section 2.1).

use poem::http::{HeaderMap, header::AUTHORIZATION};

use super::failure::AuthFailure;

/// The token of the header. Returns `None` without a header, or with one of another scheme.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<&str>, AuthFailure> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    let unreadable = || AuthFailure::invalid("the Authorization header cannot be read");
    if headers.next().is_some() {
        return Err(unreadable());
    }
    let header = header.to_str().map_err(|_| unreadable())?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Ok(Some(token.trim())),
        _ if header.eq_ignore_ascii_case("Bearer") => Err(AuthFailure::Missing),
        _ => Ok(None),
    }
}
