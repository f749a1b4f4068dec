//! `/api/info`.

use chatkit_domain::{MAX_MESSAGE_CHARS, MAX_TITLE_CHARS};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, types::Example};
use serde::Serialize;

use crate::{
    auth::Authenticated,
    document::Tags,
    payload::Json,
    problem::ApiError,
    state::{ApiState, ProviderName},
};

/// What a client may want to know about the server.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Info {
    /// The server's version.
    version: String,
    /// The caller, as the token names them: for pages that keep something of their users.
    user_id: String,
    /// What answers: `rules` when no model is configured.
    provider: ProviderName,
    /// The model that answers unless another is chosen.
    model: String,
    /// The limits of the API.
    limits: Limits,
}

/// The limits of the API.
#[derive(Debug, Serialize, Object)]
pub(crate) struct Limits {
    /// Longest message, in characters.
    message_chars: u64,
    /// Longest title, in characters.
    title_chars: u64,
    /// Most entries of a page.
    page_size: u64,
    /// Most messages that the model is given.
    context_messages: u64,
    /// For how many seconds a deleted conversation can be restored.
    deleted_ttl_seconds: u64,
}

impl Example for Info {
    fn example() -> Self {
        Self {
            version: "0.1.0".to_owned(),
            user_id: "user_2b9f".to_owned(),
            provider: ProviderName::Rules,
            model: "rules".to_owned(),
            limits: Limits {
                message_chars: MAX_MESSAGE_CHARS as u64,
                title_chars: MAX_TITLE_CHARS as u64,
                page_size: 100,
                context_messages: 50,
                deleted_ttl_seconds: 2_592_000,
            },
        }
    }
}

#[derive(ApiResponse)]
pub(crate) enum InfoResponse {
    /// The server.
    #[oai(status = 200)]
    Found(Json<Info>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct InfoApi;

#[OpenApi(prefix_path = "/api", tag = "Tags::Server")]
impl InfoApi {
    /// What this server is
    #[oai(path = "/info", method = "get", operation_id = "getInfo")]
    async fn get(
        &self,
        caller: Authenticated,
        state: Data<&ApiState>,
    ) -> Result<InfoResponse, ApiError> {
        let settings = state.agent().settings();
        Ok(InfoResponse::Found(Json(Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            user_id: caller.0.user_id().as_str().to_owned(),
            provider: state.options().provider,
            model: settings.model.clone(),
            limits: Limits {
                message_chars: MAX_MESSAGE_CHARS as u64,
                title_chars: MAX_TITLE_CHARS as u64,
                page_size: 100,
                context_messages: u64::from(settings.context_messages),
                deleted_ttl_seconds: state.options().deleted_ttl.as_secs(),
            },
        })))
    }
}
