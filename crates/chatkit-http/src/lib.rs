//! The HTTP API and nothing else: the published contract, the routes, the listener.
//!
//! [`document`] gives the contract as text, from the types alone. [`router`] gives everything
//! behind one endpoint, to be served by [`serve`] or nested in a poem application of one's own.

mod auth;
mod chat;
mod chatkit;
mod completions;
mod conversations;
mod docs;
mod document;
mod events;
mod health;
mod info;
mod messages;
mod metrics;
mod payload;
mod problem;
mod runs;
mod serve;
mod session;
mod shell;
mod sse;
mod state;
mod turns;

pub use auth::{TokenError, Verifier, VerifierOptions, issue_sign_in_token, issue_token};
pub use document::document;
pub use metrics::{MetricsSource, metrics_router};
pub use serve::serve;
pub use state::{ApiOptions, ApiState, ProviderName};

use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{OpenApiService, OperationId};

use self::{
    chat::ChatApi,
    conversations::ConversationsApi,
    events::EventsApi,
    info::InfoApi,
    messages::MessagesApi,
    runs::RunsApi,
    session::SessionApi,
    shell::{Shell, named},
};

/// Every API of the contract.
type Apis = (
    ConversationsApi,
    MessagesApi,
    RunsApi,
    EventsApi,
    ChatApi,
    SessionApi,
    InfoApi,
);

const APIS: Apis = (
    ConversationsApi,
    MessagesApi,
    RunsApi,
    EventsApi,
    ChatApi,
    SessionApi,
    InfoApi,
);

/// Everything that the server answers, as one endpoint that never fails: errors are answers.
#[must_use]
pub fn router(state: ApiState) -> impl Endpoint<Output = Response> + 'static {
    let docs = named(poem::get(docs::page), "docs");
    let routes = routes(&state).at("/", docs);
    Shell::new(routes.data(state.clone()), state)
}

/// The same with pages for people, which are asked for whatever the API does not answer.
#[must_use]
pub fn router_with_pages(
    state: ApiState,
    pages: impl Endpoint<Output = Response> + 'static,
) -> impl Endpoint<Output = Response> + 'static {
    // What neither answers is nobody's operation.
    let pages = pages.after(|result| async move {
        result.map(|mut response| {
            response.set_data(OperationId("page"));
            response
        })
    });
    let routes = routes(&state).nest_no_strip("/", pages);
    Shell::new(routes.data(state.clone()), state)
}

fn routes(state: &ApiState) -> Route {
    let contract = OpenApiService::new(APIS, document::TITLE, env!("CARGO_PKG_VERSION"));
    let mut routes = Route::new()
        .nest("/health", named(health::routes(), "health"))
        .at(
            "/openapi.yaml",
            named(poem::get(docs::openapi_yaml), "docs"),
        )
        .at(
            "/v1/chat/completions",
            named(poem::post(completions::create), "createCompletion"),
        )
        .at(
            "/v1/models",
            named(poem::get(completions::models), "listModels"),
        )
        .at(
            "/api/v1/chatkit",
            named(poem::post(chatkit::or_completion), "chatkit"),
        )
        .at("/chatkit", named(poem::post(chatkit::handle), "chatkit"))
        .at("/docs", named(poem::get(docs::page), "docs"))
        .nest_no_strip("/api", contract);
    if let Some(metrics) = &state.options().metrics {
        routes = routes.at("/metrics", named(poem::get(metrics.endpoint()), "metrics"));
    }
    routes
}
