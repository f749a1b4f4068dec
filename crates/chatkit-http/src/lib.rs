//! The HTTP API and nothing else: the published contract, the routes, the listener.
//!
//! [`document`] gives the contract as text, from the types alone. [`router`] gives everything
//! behind one endpoint, to be served by [`serve`] or nested in a poem application of one's own.

mod auth;
mod chat;
mod completions;
mod conversations;
mod docs;
mod document;
mod health;
mod info;
mod messages;
mod payload;
mod problem;
mod runs;
mod serve;
mod session;
mod shell;
mod state;
mod turns;

pub use auth::{TokenError, Verifier, VerifierOptions, issue_sign_in_token, issue_token};
pub use document::document;
pub use serve::serve;
pub use state::{ApiOptions, ApiState, ProviderName};

use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::OpenApiService;

use self::{
    chat::ChatApi, conversations::ConversationsApi, info::InfoApi, messages::MessagesApi,
    runs::RunsApi, session::SessionApi, shell::Shell,
};

/// Every API of the contract.
type Apis = (
    ConversationsApi,
    MessagesApi,
    RunsApi,
    ChatApi,
    SessionApi,
    InfoApi,
);

const APIS: Apis = (
    ConversationsApi,
    MessagesApi,
    RunsApi,
    ChatApi,
    SessionApi,
    InfoApi,
);

/// Everything that the server answers, as one endpoint that never fails: errors are answers.
#[must_use]
pub fn router(state: ApiState) -> impl Endpoint<Output = Response> + 'static {
    let contract = OpenApiService::new(APIS, document::TITLE, env!("CARGO_PKG_VERSION"));
    let routes = Route::new()
        .nest("/health", health::routes())
        .at("/openapi.yaml", poem::get(docs::openapi_yaml))
        .at("/v1/chat/completions", poem::post(completions::create))
        .at("/v1/models", poem::get(completions::models))
        .at("/api/v1/chatkit", poem::post(completions::create))
        .at("/docs", poem::get(docs::page))
        .at("/", poem::get(docs::page))
        .nest_no_strip("/api", contract);
    Shell::new(routes.data(state.clone()), state)
}
