//! The routes: one table for those outside of the contract, and the router of all routes.

use chatkit_domain::Caller;
use futures::future::BoxFuture;
use poem::{
    Endpoint, EndpointExt, Request, Response, Result, Route as Router, RouteMethod, http::Method,
};
use poem_openapi::{OpenApiService, OperationId};

use crate::{
    auth::authenticate::authenticate,
    chatkit, chatkit_or_completion, completions,
    contract::{document, fingerprint::Fingerprint},
    docs::Docs,
    health,
    middleware::{
        Middleware,
        paths::{Known, MediaTypes, Paths},
    },
    problem::{ApiError, ErrorFormat},
    rest::APIS,
    state::ApiState,
};

type Answer = BoxFuture<'static, Result<Response>>;

/// A route outside of the contract.
#[derive(Clone)]
struct Route {
    method: Method,
    path: &'static str,
    /// The name in metrics.
    operation: &'static str,
    /// The media types of which a caller must accept one. Empty: `Accept` is not checked.
    accepts: MediaTypes,
    /// The format of errors, unless the handler attaches another one.
    errors: ErrorFormat,
    handler: Handler,
}

/// The handler of a route, which also says whether the route needs a caller.
#[derive(Clone, Copy)]
enum Handler {
    Public(fn(ApiState, Request) -> Answer),
    ForCaller(fn(Caller, ApiState, Request) -> Answer),
}

/// All routes outside of the contract. `/metrics` exists only if the server has metrics to show.
#[rustfmt::skip]
const ROUTES: [Route; 9] = [
    Route {
        method: Method::POST, path: "/v1/chat/completions", operation: "createCompletion",
        accepts: &[], errors: completions::ERRORS,
        handler: Handler::ForCaller(|caller, state, request| {
            Box::pin(completions::create(caller, state, request))
        }),
    },
    Route {
        method: Method::GET, path: "/v1/models", operation: "listModels",
        accepts: &[], errors: completions::ERRORS,
        handler: Handler::ForCaller(|_, state, _| {
            Box::pin(async move { Ok(completions::models(&state)) })
        }),
    },
    Route {
        method: Method::POST, path: "/chatkit", operation: "chatkit",
        accepts: &[], errors: ErrorFormat::PROBLEM,
        handler: Handler::ForCaller(|caller, state, request| {
            Box::pin(chatkit::handle(caller, state, request))
        }),
    },
    Route {
        method: Method::POST, path: "/api/v1/chatkit", operation: "chatkit",
        accepts: &[], errors: completions::ERRORS,
        handler: Handler::ForCaller(|caller, state, request| {
            Box::pin(chatkit_or_completion::handle(caller, state, request))
        }),
    },
    Route {
        method: Method::GET, path: "/health/live", operation: "health",
        accepts: &[], errors: ErrorFormat::PROBLEM,
        handler: Handler::Public(|_, _| Box::pin(async { Ok(health::live()) })),
    },
    Route {
        method: Method::GET, path: "/health/ready", operation: "health",
        accepts: &[], errors: ErrorFormat::PROBLEM,
        handler: Handler::Public(|state, _| Box::pin(async { Ok(health::ready(state).await) })),
    },
    Route {
        method: Method::GET, path: "/openapi.yaml", operation: "docs",
        accepts: &[], errors: ErrorFormat::PROBLEM,
        handler: Handler::Public(|_, request| {
            Box::pin(async move { Ok(docs(&request)?.openapi_yaml()) })
        }),
    },
    DOCS,
    METRICS,
];

#[rustfmt::skip]
const DOCS: Route = Route {
    method: Method::GET, path: "/docs", operation: "docs",
    accepts: &[], errors: ErrorFormat::PROBLEM,
    handler: Handler::Public(|_, request| Box::pin(async move { Ok(docs(&request)?.page()) })),
};

#[rustfmt::skip]
const METRICS: Route = Route {
    method: Method::GET, path: "/metrics", operation: "metrics",
    accepts: &[], errors: ErrorFormat::PROBLEM,
    handler: Handler::Public(|state, _| Box::pin(async move { metrics(&state) })),
};

fn docs(request: &Request) -> Result<&Docs, ApiError> {
    request
        .data::<Docs>()
        .ok_or_else(|| ApiError::internal("the router has no documents"))
}

fn metrics(state: &ApiState) -> Result<Response> {
    let metrics = state.options().metrics.as_ref();
    let metrics = metrics.ok_or_else(|| ApiError::internal("the server has no metrics"))?;
    Ok(metrics.response())
}

/// A route outside of the published contract, for tests that visit all routes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnpublishedRoute {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
    /// Whether the route answers only authenticated callers.
    pub needs_caller: bool,
}

/// The routes outside of the published contract.
#[must_use]
pub fn unpublished_routes() -> Vec<UnpublishedRoute> {
    let route = |route: &Route| UnpublishedRoute {
        method: route.method.clone(),
        path: route.path,
        needs_caller: matches!(route.handler, Handler::ForCaller(_)),
    };
    ROUTES.iter().map(route).collect()
}

/// The API as one endpoint that never fails: it turns errors into responses.
#[must_use]
pub fn router(state: ApiState) -> impl Endpoint<Output = Response> + 'static {
    let home = Route { path: "/", ..DOCS };
    let (routes, paths) = routes(&state);
    finish(routes.at("/", home), paths, state)
}

/// The API with pages for people. The pages answer each request that no route of the API matches.
#[must_use]
pub fn router_with_pages(
    state: ApiState,
    pages: impl Endpoint<Output = Response> + 'static,
) -> impl Endpoint<Output = Response> + 'static {
    // If the pages do not answer either, the request has no operation.
    let pages = pages.after(|result| async move {
        result.map(|mut response| {
            response.set_data(OperationId("page"));
            response
        })
    });
    let (routes, paths) = routes(&state);
    finish(routes.nest_no_strip("/", pages), paths, state)
}

/// All routes, and the facts about them that the middleware needs.
fn routes(state: &ApiState) -> (Router, Paths) {
    let mut paths = Paths::of_contract(&document::json());
    let contract = OpenApiService::new(APIS, document::TITLE, env!("CARGO_PKG_VERSION"));
    let mut router = Router::new().nest_no_strip("/api", contract);
    let has_metrics = state.options().metrics.is_some();
    for route in ROUTES {
        if route.path == METRICS.path && !has_metrics {
            continue;
        }
        let known = Known::new(route.accepts, route.errors);
        paths.add(route.path, route.method.as_str(), known);
        let path = route.path;
        router = router.at(path, RouteMethod::new().method(route.method.clone(), route));
    }
    (router, paths)
}

fn finish(
    routes: Router,
    paths: Paths,
    state: ApiState,
) -> impl Endpoint<Output = Response> + 'static {
    let options = state.options().clone();
    let docs = Docs::new(options.base_path.as_str());
    let fingerprint = Fingerprint::of(&document::document());
    let routes = routes.data(state).data(docs).data(fingerprint);
    Middleware::new(routes, paths, &options)
}

impl Endpoint for Route {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let answer = match request.data::<ApiState>().cloned() {
            None => Err(ApiError::internal("the router has no state").into()),
            Some(state) => self.handler.answer(state, request).await,
        };
        match answer {
            Ok(mut response) => {
                response.set_data(OperationId(self.operation));
                Ok(response)
            }
            Err(mut error) => {
                error.set_data(OperationId(self.operation));
                if error.data::<ErrorFormat>().is_none() {
                    error.set_data(self.errors);
                }
                Err(error)
            }
        }
    }
}

impl Handler {
    async fn answer(self, state: ApiState, request: Request) -> Result<Response> {
        match self {
            Self::Public(handler) => handler(state, request).await,
            Self::ForCaller(handler) => {
                let caller = authenticate(&request, &state).await?;
                handler(caller, state, request).await
            }
        }
    }
}
