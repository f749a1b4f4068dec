//! `/api/session`: signing in with a link, and out.

use std::time::Duration;

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi};

use crate::{
    auth::{SigningIn, SigningOut, cookie, issue_token},
    document::Tags,
    problem::ApiError,
    state::ApiState,
};

/// How long one stays signed in.
const SESSION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(ApiResponse)]
pub(crate) enum SessionResponse {
    /// Done; the cookie `auth_token` is set or removed.
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
    /// With the token of a sign-in link, which is good for nothing else. The cookie is out of
    /// reach of scripts and lasts for 30 days.
    #[oai(path = "/session", method = "post", operation_id = "createSession")]
    async fn create(
        &self,
        user: SigningIn,
        state: Data<&ApiState>,
    ) -> Result<SessionResponse, ApiError> {
        let options = state.verifier().options();
        let now = state.clock().now();
        let token = issue_token(options, &user.0, now, SESSION).map_err(ApiError::internal)?;
        let public_url = &state.options().public_url;
        let cookie = cookie::set(&token, SESSION.as_secs(), public_url);
        Ok(SessionResponse::Changed(cookie))
    }

    /// Sign out
    ///
    /// Also with a cookie whose token is not good any more.
    #[oai(path = "/session", method = "delete", operation_id = "deleteSession")]
    async fn delete(
        &self,
        _caller: SigningOut,
        state: Data<&ApiState>,
    ) -> Result<SessionResponse, ApiError> {
        let public_url = &state.options().public_url;
        Ok(SessionResponse::Changed(cookie::set("", 0, public_url)))
    }
}
