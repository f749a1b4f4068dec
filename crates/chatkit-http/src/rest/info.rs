//! `/api/info`.

use chatkit_domain::{MAX_MESSAGE_CHARS, MAX_TITLE_CHARS};
use poem_openapi::{ApiResponse, Object, OpenApi, types::Example};
use serde::Serialize;

use super::extract::Call;
use crate::{
    contract::tags::Tags,
    payload::{Json, ProviderName},
    problem::ApiError,
};

/// Facts about the server and the caller.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Info {
    /// The version of the server.
    version: String,
    /// The id of the caller. A page can use it to store drafts by user.
    user_id: String,
    /// `openai` or `rules`, or the name that an embedding service gave its provider.
    provider: ProviderName,
    /// The default model.
    model: String,
    /// The limits of the API.
    limits: Limits,
}

/// The limits of the API.
#[derive(Debug, Serialize, Object)]
pub(crate) struct Limits {
    /// The largest number of characters in a message.
    message_chars: u64,
    /// The largest number of characters in a title.
    title_chars: u64,
    /// The largest number of entries on a page.
    page_size: u64,
    /// The largest number of messages that the model receives.
    context_messages: u64,
    /// How long a deleted conversation can be restored, in seconds.
    deleted_ttl_seconds: u64,
}

impl Example for Info {
    fn example() -> Self {
        Self {
            version: "0.1.0".to_owned(),
            user_id: "user_2b9f".to_owned(),
            provider: ProviderName("rules".to_owned()),
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
    /// Facts about the server and the caller.
    #[oai(status = 200)]
    Found(Json<Info>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct InfoApi;

#[OpenApi(prefix_path = "/api", tag = "Tags::Server")]
impl InfoApi {
    /// Get facts about the server
    #[oai(path = "/info", method = "get", operation_id = "getInfo")]
    async fn get(&self, call: Call<'_>) -> Result<InfoResponse, ApiError> {
        let (settings, options) = (call.state.agent().settings(), call.state.options());
        Ok(InfoResponse::Found(Json(Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            user_id: call.caller.user_id().as_str().to_owned(),
            provider: ProviderName(options.provider.to_string()),
            model: settings.model.clone(),
            limits: Limits {
                message_chars: MAX_MESSAGE_CHARS as u64,
                title_chars: MAX_TITLE_CHARS as u64,
                page_size: 100,
                context_messages: u64::from(settings.context_messages),
                deleted_ttl_seconds: options.deleted_ttl.as_secs(),
            },
        })))
    }
}
