//! Who is calling.
//!
//! Every operation of the contract takes [`Authenticated`] as its first parameter, so that
//! nothing of a request is read before its caller is known.

mod hs256;

use chatkit_domain::{Caller, UserId};
use poem::{Request, RequestBody, Result, http::header::AUTHORIZATION};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use serde_json::Value;

pub use self::hs256::{TokenError, Verifier, VerifierOptions, issue_token};
use crate::{problem::ApiError, state::ApiState};

/// The name of the scheme in the contract.
const BEARER: &str = "bearerAuth";

/// The user that a request's token names.
pub(crate) struct Authenticated(pub(crate) Caller);

/// Why a request has no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthFailure {
    /// It carries no token.
    Missing,
    /// Its token was good once.
    Expired,
    /// Its token is none of ours.
    Invalid,
}

impl AuthFailure {
    /// What the caller is told.
    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Not authenticated",
            Self::Expired => "Token expired",
            Self::Invalid => "Invalid token",
        }
    }

    /// The challenge (RFC 6750 section 3): without an error when there was no token.
    pub(crate) fn challenge(self) -> String {
        match self {
            Self::Missing => "Bearer".to_owned(),
            Self::Expired | Self::Invalid => format!(
                "Bearer error=\"invalid_token\", error_description=\"{}\"",
                self.detail()
            ),
        }
    }
}

/// Finds out who sends a request.
pub(crate) fn authenticate(request: &Request) -> Result<Caller, AuthFailure> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let header = headers.next().ok_or(AuthFailure::Missing)?;
    if headers.next().is_some() {
        return Err(AuthFailure::Invalid);
    }
    let header = header.to_str().map_err(|_| AuthFailure::Invalid)?;
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
        _ => return Err(AuthFailure::Missing),
    };
    let state = request.data::<ApiState>().ok_or(AuthFailure::Invalid)?;
    let claims = state.verifier().verify(token)?;
    let user_id = user_id(&claims).ok_or(AuthFailure::Invalid)?;
    Ok(Caller::new(user_id))
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
        registry.create_security_scheme(
            BEARER,
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "A JWT. Its user is the claim `sub`, else `user_id`, else `id`; `exp` is \
                     required.",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        let caller = authenticate(request).map_err(ApiError::Unauthorized)?;
        tracing::Span::current().record("user_id", caller.user_id().as_str());
        Ok(Self(caller))
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
