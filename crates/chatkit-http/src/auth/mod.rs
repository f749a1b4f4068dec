//! Who is calling.
//!
//! Every operation of the contract takes [`Authenticated`] as its first parameter, so that
//! nothing of a request is read before its caller is known.

pub(crate) mod cookie;
mod issue;
mod jwks;
mod verifier;

use chatkit_domain::{Caller, UserId};
use poem::{Request, RequestBody, Result, http::header::AUTHORIZATION};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use serde_json::Value;

pub(crate) use self::jwks::JwksUnavailable;
pub use self::{
    issue::{issue_sign_in_token, issue_token},
    verifier::{TokenError, Verifier, VerifierOptions},
};
use crate::{problem::ApiError, state::ApiState};

/// The names of the schemes in the contract.
const BEARER: &str = "bearerAuth";
const COOKIE: &str = "cookieAuth";

/// The user for whom a request is meant, percent-encoded, as an id may be any text.
const EXPECTED_USER: &str = "x-expected-user";

/// The user that a request's token names.
pub(crate) struct Authenticated(pub(crate) Caller);

/// The user of a token that is good for signing in, and for nothing else.
pub(crate) struct SigningIn(pub(crate) UserId);

/// Somebody who signs out.
pub(crate) struct SigningOut;

/// Why a request has no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthFailure {
    /// It carries no token.
    Missing,
    /// Its token was good once.
    Expired,
    /// Its token is none that is accepted, for this reason.
    Invalid(&'static str),
}

impl AuthFailure {
    /// What Better Auth keeps in its session cookie, and its bearer plugin hands out.
    pub(crate) const SESSION_TOKEN: Self = Self::Invalid(
        "this looks like a Better Auth session token, not a JWT: get one from /api/auth/token",
    );

    const NO_USER: Self = Self::Invalid("the token does not name its user");

    /// What the caller is told.
    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Not authenticated",
            Self::Expired => "Token expired",
            Self::Invalid(_) => "Invalid token",
        }
    }

    /// The challenge (RFC 6750 section 3): without an error when there was no token.
    pub(crate) fn challenge(self) -> String {
        let description = match self {
            Self::Missing => return "Bearer".to_owned(),
            Self::Expired => "the token has expired",
            Self::Invalid(reason) => reason,
        };
        format!("Bearer error=\"invalid_token\", error_description=\"{description}\"")
    }
}

/// Finds out who sends a request. A Bearer header decides alone; without one the cookie does.
pub(crate) async fn authenticate(request: &Request) -> Result<Caller, ApiError> {
    let state = state(request)?;
    let (token, by_cookie) = match bearer(request)? {
        Some(token) => (token, false),
        None => match cookie::token(request.headers()) {
            Some(token) => (token, true),
            None => return Err(AuthFailure::Missing.into()),
        },
    };
    let claims = state.verifier().verify(token, state.clock().now()).await?;
    let user_id = user_id(&claims).ok_or(AuthFailure::NO_USER)?;
    if by_cookie && !cookie::is_of_trusted_page(request, state) {
        return Err(ApiError::ForeignOrigin);
    }
    tracing::Span::current().record("user_id", user_id.as_str());
    if !is_expected(request, &user_id) {
        return Err(ApiError::OtherUser);
    }
    Ok(Caller::new(user_id))
}

/// Whether the caller is the user for whom the request was made, where it says so. The cookie is
/// every tab's, and another user may have signed in since a page asked who is there.
fn is_expected(request: &Request, user: &UserId) -> bool {
    let mut expected = request.headers().get_all(EXPECTED_USER).iter();
    expected.all(|expected| {
        percent_encoding::percent_decode(expected.as_bytes()).eq(user.as_str().bytes())
    })
}

/// Finds out who signs in: only a Bearer header counts.
fn signing_in(request: &Request) -> Result<UserId, ApiError> {
    let state = state(request)?;
    let token = bearer(request)?.ok_or(AuthFailure::Missing)?;
    let now = state.clock().now();
    let claims = state.verifier().verify_sign_in(token, now)?;
    let user_id = user_id(&claims).ok_or(AuthFailure::NO_USER)?;
    tracing::Span::current().record("user_id", user_id.as_str());
    Ok(user_id)
}

/// Finds out whether a request may sign out. A cookie need not hold a token that is still good:
/// only the server can take it away.
async fn signing_out(request: &Request) -> Result<(), ApiError> {
    let has_cookie = bearer(request)?.is_none() && cookie::token(request.headers()).is_some();
    if !has_cookie {
        return authenticate(request).await.map(|_| ());
    }
    if cookie::is_of_trusted_page(request, state(request)?) {
        Ok(())
    } else {
        Err(ApiError::ForeignOrigin)
    }
}

fn state(request: &Request) -> Result<&ApiState, ApiError> {
    request
        .data::<ApiState>()
        .ok_or_else(|| ApiError::internal("the router has no state"))
}

/// The token of an `Authorization` header; none without a header, or with one of another scheme.
fn bearer(request: &Request) -> Result<Option<&str>, AuthFailure> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    let unreadable = AuthFailure::Invalid("the Authorization header cannot be read");
    if headers.next().is_some() {
        return Err(unreadable);
    }
    let header = header.to_str().map_err(|_| unreadable)?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Ok(Some(token.trim())),
        _ if header.eq_ignore_ascii_case("Bearer") => Err(AuthFailure::Missing),
        _ => Ok(None),
    }
}

/// The user of a verified token: `sub`, else `user_id`, else `id`; a string or an integer.
fn user_id(claims: &serde_json::Map<String, Value>) -> Option<UserId> {
    let claim = ["sub", "user_id", "id"]
        .iter()
        .find_map(|name| claims.get(*name).filter(|claim| !claim.is_null()))?;
    let text = match claim {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return None,
    };
    UserId::parse(text).ok()
}

impl<'a> ApiExtractor<'a> for Authenticated {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(BEARER, bearer_scheme());
        registry.create_security_scheme(COOKIE, cookie_scheme());
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, COOKIE]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        Ok(Self(authenticate(request).await?))
    }
}

impl<'a> ApiExtractor<'a> for SigningIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(BEARER, bearer_scheme());
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        Ok(Self(signing_in(request)?))
    }
}

impl<'a> ApiExtractor<'a> for SigningOut {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, COOKIE]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        signing_out(request).await?;
        Ok(Self)
    }
}

fn bearer_scheme() -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(
            "A JWT. Its user is the claim `sub`, else `user_id`, else `id`; `exp` is required.",
        ),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    }
}

fn cookie_scheme() -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "apiKey",
        description: Some(
            "The same in a cookie. Methods that change something then need `Sec-Fetch-Site: \
             same-origin`, or the `Origin` of a page that may call.",
        ),
        name: Some("auth_token"),
        key_in: Some("cookie"),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(claims: Value, expected: Option<&str>) {
        let Value::Object(claims) = claims else {
            panic!("claims are an object");
        };
        let found = user_id(&claims);
        assert_eq!(found.as_ref().map(UserId::as_str), expected);
    }

    #[test]
    fn the_user_is_sub_then_user_id_then_id() {
        check(json!({"sub": "a", "user_id": "b", "id": "c"}), Some("a"));
        check(json!({"user_id": "b", "id": "c"}), Some("b"));
        check(json!({"sub": null, "id": 7}), Some("7"));
        check(json!({"sub": ""}), None);
        check(json!({"sub": 1.5, "id": "c"}), None);
        check(json!({"sub": ["a"]}), None);
        check(json!({"email": "a@b.c"}), None);
        check(json!({"sub": "x".repeat(256)}), None);
    }
}
