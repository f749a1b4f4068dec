//! Finds the caller of a request, for every route that needs one.

use chatkit_domain::{Caller, UserId};
use poem::{
    Request,
    http::{Request as HttpRequest, request::Parts},
};

use crate::{middleware::notes, problem::ApiError, state::ApiState};

/// The user for whom a request is meant. The value is percent-encoded, as an id may be any text.
const EXPECTED_USER: &str = "x-expected-user";

/// Finds out which user sends a request, and notes the user in the request's span.
pub(crate) async fn authenticate(request: &Request, state: &ApiState) -> Result<Caller, ApiError> {
    let caller = state.authenticator().caller(&parts(request)).await?;
    notes::user(caller.user_id());
    if is_expected(request, caller.user_id()) {
        Ok(caller)
    } else {
        Err(ApiError::OtherUser)
    }
}

/// The head of a request.
fn parts(request: &Request) -> Parts {
    let (mut parts, ()) = HttpRequest::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.original_uri().clone();
    parts.version = request.version();
    parts.headers = request.headers().clone();
    parts.extensions = request.extensions().clone();
    parts
}

/// Whether the caller is the user for whom the request is meant, if the request names one. All tabs
/// of a browser share the cookie, so another user may have signed in since the page was loaded.
fn is_expected(request: &Request, user: &UserId) -> bool {
    let mut expected = request.headers().get_all(EXPECTED_USER).iter();
    expected.all(|expected| {
        percent_encoding::percent_decode(expected.as_bytes()).eq(user.as_str().bytes())
    })
}
