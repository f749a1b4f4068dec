//! The settings as flags and environment variables.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::bail;
use clap::Args;

use super::{
    parse::{audience, lease, not_empty, positive_duration, result_chars},
    settings::{DEFAULT_MODEL, Instructions, ModelApi, ModelFeature, ModelRoles, Settings},
    value::{ApiKey, BaseUrl, DatabaseUrl, KeysUrl, Origin, Secret},
};

/// Every setting of the server, as a flag and as an environment variable.
#[derive(Clone, Debug, Args)]
pub struct SettingsArgs {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, env, global = true, default_value = "127.0.0.1:8000")]
    pub listen_addr: SocketAddr,
    /// The origin under which browsers see the server; `http://` and the address when left out
    #[arg(long, env, global = true)]
    pub public_url: Option<Origin>,
    /// `sqlite://file?mode=rwc`, or PostgreSQL from version 14: `postgres://…`
    #[arg(
        long,
        env,
        global = true,
        default_value = "sqlite://chatkit.db?mode=rwc",
        hide_env_values = true
    )]
    pub database_url: DatabaseUrl,
    /// The most database connections
    #[arg(long, env, global = true, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_pool: u32,
    /// Whether pending migrations are applied at the start
    #[arg(long, env, global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub auto_migrate: bool,
    /// The key of the models' API
    #[arg(long, env, global = true, hide_env_values = true)]
    pub openai_api_key: Option<ApiKey>,
    /// Any server that speaks OpenAI's API; with neither key nor base URL the built-in rules answer
    #[arg(long, env, global = true)]
    pub openai_base_url: Option<BaseUrl>,
    /// The model that answers
    #[arg(long, env, global = true, default_value = DEFAULT_MODEL, value_parser = not_empty)]
    pub openai_model: String,
    /// The API by which the model is asked
    #[arg(
        long,
        env,
        global = true,
        default_value = "chat_completions",
        value_enum
    )]
    pub openai_api: ModelApi,
    /// Whether to send tools to the model. With `auto`, they are omitted if its server refuses them
    #[arg(long, env, global = true, default_value = "auto", value_enum)]
    pub model_tools: ModelFeature,
    /// Whether to send `stream_options`, which requests token counts
    #[arg(long, env, global = true, default_value = "auto", value_enum)]
    pub model_stream_options: ModelFeature,
    /// Whether to join consecutive messages of the same role, which some chat templates require
    #[arg(long, env, global = true, default_value = "auto", value_enum)]
    pub model_roles: ModelRoles,
    /// More models that a caller may choose, separated by commas
    #[arg(long, env, global = true, value_delimiter = ',')]
    pub allowed_models: Vec<String>,
    /// The system prompt
    #[arg(long, env, global = true, conflicts_with = "agent_instructions_file")]
    pub agent_instructions: Option<String>,
    /// A file with the system prompt
    #[arg(long, env, global = true)]
    pub agent_instructions_file: Option<PathBuf>,
    /// The HS256 secret that tokens are signed with, at least 32 bytes
    #[arg(long, env, global = true, hide_env_values = true)]
    pub better_auth_secret: Option<Secret>,
    /// Another name of `BETTER_AUTH_SECRET`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub jwt_secret: Option<Secret>,
    /// The URL at which the issuer of tokens publishes its keys: `EdDSA`, ES256 or RS256
    #[arg(long, env, global = true)]
    pub jwks_url: Option<KeysUrl>,
    /// The `iss` that tokens must carry
    #[arg(long, env, global = true, value_parser = not_empty)]
    pub jwt_issuer: Option<String>,
    /// The `aud` that tokens must carry
    #[arg(long, env, global = true, value_parser = audience)]
    pub jwt_audience: Option<String>,
    /// Origins whose pages may call the API, separated by commas
    #[arg(long, env, global = true, value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
    /// Origins that may show the chat page in a frame, separated by commas
    #[arg(long, env, global = true, value_delimiter = ',')]
    pub frame_ancestors: Vec<Origin>,
    /// The most messages of a conversation that the model receives
    #[arg(long, env, global = true, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub context_messages: u32,
    /// The most characters of a conversation that the model receives
    #[arg(long, env, global = true, default_value_t = 400_000)]
    pub context_chars: usize,
    /// How often the model may call tools in one run
    #[arg(long, env, global = true, default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub max_tool_rounds: u32,
    /// The most characters of a tool result that the model receives
    #[arg(long, env, global = true, default_value_t = 16_000, value_parser = result_chars)]
    pub max_tool_result_chars: usize,
    /// How long one tool call may take
    #[arg(long, env, global = true, default_value = "30s", value_parser = positive_duration)]
    pub tool_timeout: Duration,
    /// The longest silence of the model, before or between tokens
    #[arg(long, env, global = true, default_value = "120s", value_parser = positive_duration)]
    pub model_timeout: Duration,
    /// How long a run may take
    #[arg(long, env, global = true, default_value = "10m", value_parser = positive_duration)]
    pub run_timeout: Duration,
    /// The longest answer, in characters
    #[arg(long, env, global = true, default_value_t = 200_000)]
    pub max_answer_chars: usize,
    /// The most active runs of a user
    #[arg(long, env, global = true, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_runs_per_user: u32,
    /// The most active runs of this process
    #[arg(long, env, global = true, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_runs: u32,
    /// How long a process may be silent before another takes its run
    #[arg(long, env, global = true, default_value = "15s", value_parser = lease)]
    pub run_lease: Duration,
    /// Whether a disconnecting ChatKit client stops its run, and may offer a stop button
    #[arg(long, env, global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub chatkit_allow_cancel: bool,
    /// How long requests are still accepted after the signal to stop
    #[arg(long, env, global = true, default_value = "0s", value_parser = humantime::parse_duration)]
    pub shutdown_delay: Duration,
    /// How long active runs may take to end after that delay
    #[arg(long, env, global = true, default_value = "25s", value_parser = humantime::parse_duration)]
    pub shutdown_grace: Duration,
    /// How long a deleted conversation can be restored
    #[arg(long, env, global = true, default_value = "30d", value_parser = positive_duration)]
    pub deleted_ttl: Duration,
    /// The address of a listener for `/metrics` only; without it, `/metrics` is on the main listener
    /// if that is loopback
    #[arg(long, env, global = true)]
    pub metrics_addr: Option<SocketAddr>,
}

impl TryFrom<SettingsArgs> for Settings {
    type Error = anyhow::Error;

    /// Fails if the secret is set under both names, with different values.
    fn try_from(args: SettingsArgs) -> anyhow::Result<Self> {
        Ok(Self {
            base_path: String::new(),
            instructions: instructions(args.agent_instructions, args.agent_instructions_file),
            secret: secret(args.better_auth_secret, args.jwt_secret)?,
            listen_addr: args.listen_addr,
            public_url: args.public_url,
            database_url: args.database_url,
            database_pool: args.database_pool,
            auto_migrate: args.auto_migrate,
            openai_api_key: args.openai_api_key,
            openai_base_url: args.openai_base_url,
            openai_model: args.openai_model,
            openai_api: args.openai_api,
            model_tools: args.model_tools,
            model_stream_options: args.model_stream_options,
            model_roles: args.model_roles,
            allowed_models: args.allowed_models,
            jwks_url: args.jwks_url,
            jwt_issuer: args.jwt_issuer,
            jwt_audience: args.jwt_audience,
            cors_origins: args.cors_origins,
            frame_ancestors: args.frame_ancestors,
            context_messages: args.context_messages,
            context_chars: args.context_chars,
            max_tool_rounds: args.max_tool_rounds,
            max_tool_result_chars: args.max_tool_result_chars,
            tool_timeout: args.tool_timeout,
            model_timeout: args.model_timeout,
            run_timeout: args.run_timeout,
            max_answer_chars: args.max_answer_chars,
            max_runs_per_user: args.max_runs_per_user,
            max_runs: args.max_runs,
            run_lease: args.run_lease,
            chatkit_allow_cancel: args.chatkit_allow_cancel,
            shutdown_delay: args.shutdown_delay,
            shutdown_grace: args.shutdown_grace,
            deleted_ttl: args.deleted_ttl,
            metrics_addr: args.metrics_addr,
        })
    }
}

/// The system prompt. clap has refused the settings if both are set.
fn instructions(text: Option<String>, file: Option<PathBuf>) -> Instructions {
    match (text, file) {
        (Some(text), _) => Instructions::Text(text),
        (None, Some(file)) => Instructions::File(file),
        (None, None) => Instructions::default(),
    }
}

/// The secret, whichever of its two names is set.
fn secret(one: Option<Secret>, other: Option<Secret>) -> anyhow::Result<Option<Secret>> {
    match (one, other) {
        (Some(one), Some(other)) if one.expose() != other.expose() => {
            bail!("BETTER_AUTH_SECRET and JWT_SECRET are both set, and differ")
        }
        (one, other) => Ok(one.or(other)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    #[test]
    fn flags_have_the_defaults_of_the_struct() {
        let flags = Flags::try_parse_from(["chatkit-server"]).unwrap();
        let parsed = Settings::try_from(flags.settings).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Settings::new()));
        assert_eq!(
            parsed.database_url.expose(),
            Settings::new().database_url.expose()
        );
    }
}
