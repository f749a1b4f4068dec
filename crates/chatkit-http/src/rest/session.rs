//! `/api/session`: signing in with a link, and signing out.

use std::time::Duration;

use chatkit_domain::UserId;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi, registry::Registry,
};

use super::extract::{BEARER, COOKIE, bearer_scheme, state};
use crate::{
    auth::{
        authenticate::authenticate,
        bearer,
        cookie::{self, TrustedOrigins},
        failure::AuthFailure,
        issue::issue_token,
        verifier::Verifier,
    },
    contract::tags::Tags,
    middleware::notes,
    problem::{ApiError, SignInError},
    state::ApiState,
};

/// How long a session lasts.
const SESSION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(ApiResponse)]
pub(crate) enum SessionResponse {
    /// The cookie `auth_token` is set or removed.
    #[oai(status = 204)]
    Changed(
        /// The cookie.
        #[oai(header = "Set-Cookie")]
        String,
    ),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionApi;

#[OpenApi(prefix_path = "/api", tag = "Tags::Session")]
impl SessionApi {
    /// Sign in
    ///
    /// Send the token of a sign-in link, which is valid only for this operation. Scripts cannot read
    /// the cookie. It lasts for 30 days.
    #[oai(path = "/session", method = "post", operation_id = "createSession")]
    async fn create(&self, user: SigningIn<'_>) -> Result<SessionResponse, SignInError> {
        let now = user.state.clock().now();
        let token = issue_token(user.verifier.options(), &user.id, now, SESSION);
        let token = token.map_err(ApiError::internal)?;
        Ok(changed(user.state, &token, SESSION))
    }

    /// Sign out
    ///
    /// Works even if the token in the cookie is not valid any more.
    #[oai(path = "/session", method = "delete", operation_id = "deleteSession")]
    async fn delete(&self, caller: SigningOut<'_>) -> Result<SessionResponse, ApiError> {
        Ok(changed(caller.0, "", Duration::ZERO))
    }
}

fn changed(state: &ApiState, token: &str, lasts: Duration) -> SessionResponse {
    let options = state.options();
    let (url, path) = (&options.public_url, options.base_path.as_str());
    SessionResponse::Changed(cookie::set(token, lasts.as_secs(), url, path))
}

/// The user of a sign-in token.
struct SigningIn<'a> {
    id: UserId,
    verifier: &'a Verifier,
    state: &'a ApiState,
}

/// Verifies the token of a sign-in link. Only a Bearer header counts.
fn signing_in(request: &Request) -> Result<SigningIn<'_>, ApiError> {
    let state = state(request)?;
    let token = bearer::token(request.headers())?.ok_or(AuthFailure::Missing)?;
    let verifier = state.options().sign_in.as_ref();
    let verifier = verifier.ok_or(ApiError::NotConfigured)?;
    let user = verifier.verify_sign_in(token, state.clock().now());
    let id = user.ok_or(ApiError::NotConfigured)??;
    notes::user(&id);
    Ok(SigningIn {
        id,
        verifier,
        state,
    })
}

impl<'a> ApiExtractor<'a> for SigningIn<'a> {
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
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(signing_in(request)?)
    }
}

/// A client that may sign out.
struct SigningOut<'a>(&'a ApiState);

/// Checks whether a request may sign out. The cookie may hold an expired token: only the server can
/// remove it.
async fn signing_out(request: &Request) -> Result<SigningOut<'_>, ApiError> {
    let (state, headers) = (state(request)?, request.headers());
    let has_cookie = bearer::token(headers)?.is_none() && cookie::token(headers).is_some();
    if !has_cookie {
        authenticate(request, state).await?;
        return Ok(SigningOut(state));
    }
    let trusted: TrustedOrigins = state.options().trusted_origins().collect();
    if trusted.may_send(request.method(), headers) {
        Ok(SigningOut(state))
    } else {
        Err(ApiError::ForeignOrigin)
    }
}

impl<'a> ApiExtractor<'a> for SigningOut<'a> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, COOKIE]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(signing_out(request).await?)
    }
}
