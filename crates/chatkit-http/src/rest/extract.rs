//! The parts of a request that many operations read: the caller, and the ids in the path.
//!
//! An id is noted in the request's span. A malformed id is a 404 like an unknown one: the
//! middleware knows the resource of the operation that was matched.

use chatkit_domain::{Caller, ConversationId, ItemId, RunId};
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    error::ParsePathError,
    registry::{MetaParamIn, MetaSchemaRef, MetaSecurityScheme, Registry},
    types::Type,
};
use uuid::Uuid;

use crate::{
    auth::authenticate::authenticate, middleware::notes, problem::ApiError, state::ApiState,
};

/// The names of the security schemes in the contract.
pub(super) const BEARER: &str = "bearerAuth";
pub(super) const COOKIE: &str = "cookieAuth";

/// A call by an authenticated user, with the server's state.
///
/// It is the first parameter of an operation, so that nothing else of a request is read before its
/// caller is known.
pub(super) struct Call<'a> {
    pub(super) caller: Caller,
    pub(super) state: &'a ApiState,
}

impl<'a> ApiExtractor<'a> for Call<'a> {
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
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let state = state(request)?;
        let caller = authenticate(request, state).await?;
        Ok(Self { caller, state })
    }
}

/// The state that the router gave to all requests.
pub(super) fn state(request: &Request) -> Result<&ApiState, ApiError> {
    request
        .data::<ApiState>()
        .ok_or_else(|| ApiError::internal("the router has no state"))
}

/// An id that can be part of a path.
pub(super) trait PathId: Sized {
    /// The id, which is noted in the request's span if the span has a field for it.
    fn note(id: Uuid) -> Self;
}

impl PathId for ConversationId {
    fn note(id: Uuid) -> Self {
        let id = Self::new(id);
        notes::conversation(id);
        id
    }
}

impl PathId for ItemId {
    fn note(id: Uuid) -> Self {
        Self::new(id)
    }
}

impl PathId for RunId {
    fn note(id: Uuid) -> Self {
        let id = Self::new(id);
        notes::run(id);
        id
    }
}

/// An id from the path. The library identifies parameters of the path by the name of this type.
pub(super) struct Path<T>(pub(super) T);

impl<'a, T: PathId + Send> ApiExtractor<'a> for Path<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = Uuid;
    type ParamRawType = Uuid;

    fn register(registry: &mut Registry) {
        Uuid::register(registry);
    }

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(Uuid::schema_ref())
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<Uuid>,
    ) -> Result<Self> {
        let id = request.raw_path_param(options.name).unwrap_or_default();
        let id = Uuid::parse_str(id).map_err(|error| ParsePathError {
            name: options.name,
            reason: error.to_string(),
        })?;
        Ok(Self(T::note(id)))
    }
}

pub(super) fn bearer_scheme() -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(
            "A JSON Web Token. The claim `sub`, else `user_id`, else `id` names the user. `exp` is \
             required.",
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
            "The same token in a cookie. Requests that change something then need \
             `Sec-Fetch-Site: same-origin`, or the `Origin` of a listed page.",
        ),
        name: Some("auth_token"),
        key_in: Some("cookie"),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    }
}
