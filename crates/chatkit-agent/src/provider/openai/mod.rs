//! Any server that speaks OpenAI's API.

mod chat_completions;
mod http;
mod responses;
mod wire;

use std::{fmt, time::Duration};

use async_openai::{Client, config::OpenAIConfig};
use async_trait::async_trait;

use self::{
    http::{UpstreamService, failure},
    responses::Responses,
};
use super::{ModelRequest, ModelStream, Provider, ProviderError};

/// By which of its APIs a server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenAiApi {
    /// Chat completions, which every compatible server speaks.
    #[default]
    ChatCompletions,
    /// Responses, by which models that reason tell a summary of it.
    Responses,
}

/// Where the models are, and how to reach them.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The API by which they are asked.
    pub api: OpenAiApi,
    /// The API's base, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key; servers of one's own may need none.
    pub api_key: Option<String>,
    /// The longest silence before or between the parts of an answer.
    pub silence: Duration,
}

/// A provider over one of OpenAI's APIs.
pub struct OpenAiProvider {
    client: Client<OpenAIConfig>,
    api: OpenAiApi,
    responses: Responses,
}

impl OpenAiProvider {
    /// A provider of the models behind this API. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] when the machine's certificates cannot be read.
    pub fn new(options: &OpenAiOptions) -> Result<Self, ProviderError> {
        let service = UpstreamService::new(options.silence)?;
        let config = OpenAIConfig::new()
            .with_api_base(options.base_url.trim_end_matches('/'))
            .with_api_key(options.api_key.clone().unwrap_or_default());
        let client = Client::build(service.client(), config).with_http_service(service);
        Ok(Self {
            client,
            api: options.api,
            responses: Responses::default(),
        })
    }
}

#[async_trait]
impl Provider for OpenAiProvider {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        if self.api == OpenAiApi::Responses {
            return self.responses.ask(&self.client, request).await;
        }
        let body = wire::Request::from(request);
        let chunks = self
            .client
            .chat()
            .create_stream_byot::<_, wire::Chunk>(body)
            .await
            .map_err(failure)?;
        Ok(chat_completions::events(chunks))
    }
}

impl fmt::Debug for OpenAiOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenAiOptions")
            .field("api", &self.api)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenAiProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenAiProvider")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}
