//! The settings as a plain struct.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;
use chatkit_agent::AgentSettings;

use super::value::{ApiKey, BaseUrl, DatabaseUrl, KeysUrl, Origin, Secret};

/// The model of the OpenAI provider, unless the settings name another.
pub(crate) const DEFAULT_MODEL: &str = "gpt-5-mini";

/// The system prompt of a task assistant.
const DEFAULT_INSTRUCTIONS: &str = "You are a helpful assistant who also looks after the user's \
task list. Use the tools to add, list, complete, update and delete tasks; never claim to have done \
what no tool did. Tasks are named by their numbers: list them when you do not know a number. \
Answer briefly, in the user's language.";

/// The settings of a server. [`Settings::new`] has the same defaults as the binary.
///
/// Fields that are not set by a `with_` method can be assigned.
///
/// ```
/// # fn main() -> anyhow::Result<()> {
/// use chatkit_server::Settings;
///
/// let mut settings = Settings::new()
///     .with_database_url("sqlite://chat.db?mode=rwc".parse()?)
///     .with_instructions("You answer questions about our library.");
/// settings.max_runs_per_user = 2;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The address to listen on. Port 0 picks a free port.
    pub listen_addr: SocketAddr,
    /// The origin under which browsers see the server. Without one, `http://` and the address.
    pub public_url: Option<Origin>,
    /// The path under which clients see the server, such as `/assistant`. Empty for none.
    pub base_path: String,
    /// The database.
    pub database_url: DatabaseUrl,
    /// The most connections to the database.
    pub database_pool: u32,
    /// Whether pending migrations are applied when the server starts.
    pub auto_migrate: bool,
    /// The key of the model's API.
    pub openai_api_key: Option<ApiKey>,
    /// The server of the model, which speaks OpenAI's API. With neither a key nor a base URL, the
    /// built-in rules answer.
    pub openai_base_url: Option<BaseUrl>,
    /// The model that answers. A provider of your own receives this name too.
    pub openai_model: String,
    /// The API of the model.
    pub openai_api: ModelApi,
    /// Whether tools are sent to the model.
    pub model_tools: ModelFeature,
    /// Whether `stream_options` is sent to the model, which requests token counts.
    pub model_stream_options: ModelFeature,
    /// The order of roles that the model requires.
    pub model_roles: ModelRoles,
    /// Models that callers may choose besides `openai_model`.
    pub allowed_models: Vec<String>,
    /// The system prompt.
    pub instructions: Instructions,
    /// The HS256 secret with which tokens are signed.
    pub secret: Option<Secret>,
    /// The URL at which the issuer of tokens publishes its keys.
    pub jwks_url: Option<KeysUrl>,
    /// The `iss` that tokens must carry.
    pub jwt_issuer: Option<String>,
    /// The `aud` that tokens must carry.
    pub jwt_audience: Option<String>,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<Origin>,
    /// Origins that may show the chat page in a frame.
    pub frame_ancestors: Vec<Origin>,
    /// The most messages of a conversation that the model receives.
    pub context_messages: u32,
    /// The most characters of a conversation that the model receives.
    pub context_chars: usize,
    /// How often the model may call tools in one run.
    pub max_tool_rounds: u32,
    /// The most characters of a tool result that the model receives.
    pub max_tool_result_chars: usize,
    /// How long one tool call may take.
    pub tool_timeout: Duration,
    /// The longest silence of the model, before or between tokens.
    pub model_timeout: Duration,
    /// How long a run may take.
    pub run_timeout: Duration,
    /// The longest answer, in characters.
    pub max_answer_chars: usize,
    /// The most active runs of a user.
    pub max_runs_per_user: u32,
    /// The most active runs of this process.
    pub max_runs: u32,
    /// How long a process may be silent before another takes its run.
    pub run_lease: Duration,
    /// Whether a disconnecting ChatKit client stops its run, and may offer a stop button.
    pub chatkit_allow_cancel: bool,
    /// How long requests are still accepted after the signal to stop.
    pub shutdown_delay: Duration,
    /// How long active runs may take to end after `shutdown_delay`.
    pub shutdown_grace: Duration,
    /// How long a deleted conversation can be restored.
    pub deleted_ttl: Duration,
    /// The address of a listener for `/metrics` only.
    pub metrics_addr: Option<SocketAddr>,
}

/// The source of the system prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// This text.
    Text(String),
    /// The content of this file, which is read when the server starts.
    File(PathBuf),
}

/// The API of OpenAI that the model's server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "cli",
    derive(clap::ValueEnum),
    value(rename_all = "snake_case")
)]
pub enum ModelApi {
    /// Chat completions, which every compatible server speaks.
    ChatCompletions,
    /// Responses.
    Responses,
}

/// Whether an optional part of a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "cli",
    derive(clap::ValueEnum),
    value(rename_all = "snake_case")
)]
pub enum ModelFeature {
    /// Sent, unless the model's server has refused it in the last ten minutes.
    Auto,
    /// Never sent.
    Off,
}

/// The order of the roles in the input of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "cli",
    derive(clap::ValueEnum),
    value(rename_all = "snake_case")
)]
pub enum ModelRoles {
    /// As stored, unless the model's server requires that they alternate.
    Auto,
    /// User and assistant always alternate.
    Alternate,
}

impl Default for Settings {
    fn default() -> Self {
        let agent = AgentSettings::new("");
        Self {
            listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            public_url: None,
            base_path: String::new(),
            database_url: DatabaseUrl::default(),
            database_pool: 10,
            auto_migrate: true,
            openai_api_key: None,
            openai_base_url: None,
            openai_model: DEFAULT_MODEL.to_owned(),
            openai_api: ModelApi::ChatCompletions,
            model_tools: ModelFeature::Auto,
            model_stream_options: ModelFeature::Auto,
            model_roles: ModelRoles::Auto,
            allowed_models: Vec::new(),
            instructions: Instructions::default(),
            secret: None,
            jwks_url: None,
            jwt_issuer: None,
            jwt_audience: None,
            cors_origins: Vec::new(),
            frame_ancestors: Vec::new(),
            context_messages: agent.context_messages,
            context_chars: agent.context_chars,
            max_tool_rounds: agent.max_tool_rounds,
            max_tool_result_chars: agent.max_tool_result_chars,
            tool_timeout: agent.tool_timeout,
            model_timeout: agent.model_timeout,
            run_timeout: agent.run_timeout,
            max_answer_chars: agent.max_answer_chars,
            max_runs_per_user: agent.max_runs_per_user,
            max_runs: 2_000,
            run_lease: agent.run_lease,
            chatkit_allow_cancel: true,
            shutdown_delay: Duration::ZERO,
            shutdown_grace: Duration::from_secs(25),
            deleted_ttl: agent.deleted_ttl,
            metrics_addr: None,
        }
    }
}

impl Settings {
    /// The default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the database. The default is the SQLite file `chatkit.db` in the current folder.
    #[must_use]
    pub fn with_database_url(mut self, url: DatabaseUrl) -> Self {
        self.database_url = url;
        self
    }

    /// Sets the origin under which browsers see the server, such as `https://example.com`.
    #[must_use]
    pub fn with_public_url(mut self, url: Origin) -> Self {
        self.public_url = Some(url);
        self
    }

    /// Sets the path under which clients see the server, such as `/assistant`.
    #[must_use]
    pub fn with_base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }

    /// Sets the name of the model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.openai_model = model.into();
        self
    }

    /// Sets the system prompt. The default prompt describes a task assistant.
    #[must_use]
    pub fn with_instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = Instructions::Text(text.into());
        self
    }

    /// Accepts tokens that are signed with this HS256 secret.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Whether a server that speaks OpenAI's API is configured. Otherwise the built-in rules
    /// answer, or a provider of your own.
    #[must_use]
    pub fn has_model(&self) -> bool {
        self.openai_api_key.is_some() || self.openai_base_url.is_some()
    }
}

impl Default for Instructions {
    fn default() -> Self {
        Self::Text(DEFAULT_INSTRUCTIONS.to_owned())
    }
}

impl Instructions {
    /// Returns the text, from the file if it is in one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> anyhow::Result<String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(file) => std::fs::read_to_string(file)
                .with_context(|| format!("AGENT_INSTRUCTIONS_FILE: {}", file.display())),
        }
    }
}
