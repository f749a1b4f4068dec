//! Every setting, as a flag and as an environment variable. The only reader of the environment.

mod value;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::value::{ApiKey, BaseUrl, DatabaseUrl, KeysUrl, Origin, Secret};
use self::value::{audience, lease, log_filter, not_empty, positive_duration, result_chars};

/// Kept conversations behind an HTTP API.
#[derive(Debug, Parser)]
#[command(name = "chatkit-server", version, about)]
pub struct Cli {
    /// What to do; `serve` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to do it.
    #[command(flatten)]
    pub settings: Settings,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests until told to stop
    Serve,
    /// Change the database's schema
    Migrate {
        /// In which direction
        #[command(subcommand)]
        direction: Option<Migrate>,
    },
    /// Print a token for a user, signed with the configured or the local secret
    Token {
        /// The user
        #[arg(long)]
        user: String,
        /// For how long it is good, such as 12h or 7d
        #[arg(long, default_value = "7d", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
    /// Print the contract: OpenAPI in YAML
    Openapi,
    /// Remove everything of one user for good, and say how much that was
    Erase {
        /// The user
        #[arg(long)]
        user: String,
    },
    /// Ask the running server whether it is ready; exit code 0 when it is
    Healthcheck,
}

/// In which direction to change the schema.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Migrate {
    /// Apply what is pending
    Up,
    /// Take back the newest migration, with the data that it holds
    Down,
    /// List the migrations
    Status,
}

/// The system prompt of a task assistant.
const DEFAULT_INSTRUCTIONS: &str = "You are a helpful assistant who also looks after the user's \
task list. Use the tools to add, list, complete, update and delete tasks; never claim to have done \
what no tool did. Tasks are named by their numbers: list them when you do not know a number. \
Answer briefly, in the user's language.";

/// Every setting.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Where to listen; port 0 picks one
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
    /// Database connections at most
    #[arg(long, env, global = true, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_pool: u32,
    /// Apply pending migrations at start
    #[arg(long, env, global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub auto_migrate: bool,
    /// The key of the models' API
    #[arg(long, env, global = true, hide_env_values = true)]
    pub openai_api_key: Option<ApiKey>,
    /// Any server that speaks OpenAI's API; with neither key nor base URL the built-in rules answer
    #[arg(long, env, global = true)]
    pub openai_base_url: Option<BaseUrl>,
    /// The model that answers
    #[arg(long, env, global = true, default_value = "gpt-5-mini", value_parser = not_empty)]
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
    /// Models that a caller may choose beside it, separated by commas
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
    /// The same under its other name
    #[arg(long, env, global = true, hide_env_values = true)]
    pub jwt_secret: Option<Secret>,
    /// Where the issuer of tokens publishes its keys: `EdDSA`, ES256 or RS256
    #[arg(long, env, global = true)]
    pub jwks_url: Option<KeysUrl>,
    /// The `iss` that tokens must carry
    #[arg(long, env, global = true, value_parser = not_empty)]
    pub jwt_issuer: Option<String>,
    /// The `aud` that tokens must carry
    #[arg(long, env, global = true, value_parser = audience)]
    pub jwt_audience: Option<String>,
    /// Origins whose pages may call, separated by commas
    #[arg(long, env, global = true, value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
    /// Origins that may show the chat page in a frame, separated by commas
    #[arg(long, env, global = true, value_delimiter = ',')]
    pub frame_ancestors: Vec<Origin>,
    /// Messages that the model is given at most
    #[arg(long, env, global = true, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub context_messages: u32,
    /// Characters of them at most
    #[arg(long, env, global = true, default_value_t = 400_000)]
    pub context_chars: usize,
    /// How often the model may ask for tools in one run
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
    /// Longest answer, in characters
    #[arg(long, env, global = true, default_value_t = 200_000)]
    pub max_answer_chars: usize,
    /// Active runs that a user may have
    #[arg(long, env, global = true, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_runs_per_user: u32,
    /// Runs that this process answers at once
    #[arg(long, env, global = true, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_runs: u32,
    /// When a silent owner's run is taken from it
    #[arg(long, env, global = true, default_value = "15s", value_parser = lease)]
    pub run_lease: Duration,
    /// Whether a ChatKit client that leaves stops its answer, and may offer to
    #[arg(long, env, global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub chatkit_allow_cancel: bool,
    /// How long requests are still accepted after the signal to stop
    #[arg(long, env, global = true, default_value = "0s", value_parser = humantime::parse_duration)]
    pub shutdown_delay: Duration,
    /// How long active runs may take to end after that
    #[arg(long, env, global = true, default_value = "25s", value_parser = humantime::parse_duration)]
    pub shutdown_grace: Duration,
    /// When deleted conversations are purged
    #[arg(long, env, global = true, default_value = "30d", value_parser = positive_duration)]
    pub deleted_ttl: Duration,
    /// A listener for `/metrics` alone; without it they are on the main one when that is loopback
    #[arg(long, env, global = true)]
    pub metrics_addr: Option<SocketAddr>,
    /// How the log is written
    #[arg(long, env, global = true, default_value = "pretty")]
    pub log_format: LogFormat,
    /// What is logged, as a filter of tracing
    #[arg(long, env, global = true, default_value = "info", value_parser = log_filter)]
    pub rust_log: String,
}

/// By which API of OpenAI's the model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ModelApi {
    /// Chat completions, which every compatible server speaks.
    ChatCompletions,
    /// Responses.
    Responses,
}

/// Whether an optional part of a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ModelFeature {
    /// Sent, unless the model's server has refused it in the last ten minutes.
    Auto,
    /// Never sent.
    Off,
}

/// The order of the roles in what a model is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ModelRoles {
    /// As stored, unless the model's server requires that they alternate.
    Auto,
    /// User and assistant always alternate.
    Alternate,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: an object a line.
    Json,
}

impl Cli {
    /// Reads `.env`, the environment and the command line. What is wrong with them is one line
    /// that names the setting.
    ///
    /// # Errors
    /// The process's exit code once the reason, or the help that was asked for, is printed.
    pub fn read() -> Result<Self, u8> {
        if dotenvy::dotenv().is_err_and(|error| !error.not_found()) {
            // The error quotes the line, which may hold a secret.
            return Err(refuse("error: .env: it cannot be read or parsed"));
        }
        Self::try_parse().map_err(|error| {
            if error.use_stderr() && error.kind() != clap::error::ErrorKind::MissingSubcommand {
                refuse(&reason(&error))
            } else {
                // `--help` and `--version` are no errors.
                let _ = error.print();
                0
            }
        })
    }
}

/// What is wrong, in one line that names the setting and never holds its value, which may be a
/// secret.
fn reason(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ErrorKind};
    let text = error.render().to_string();
    let first_line = text.lines().next().unwrap_or_default();
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(argument)) => {
            let why = std::error::Error::source(error).map_or_else(
                || "the value is none of those possible".to_owned(),
                ToString::to_string,
            );
            let why = why.lines().next().unwrap_or_default();
            format!("error: {argument}: {why}")
        }
        _ => first_line.to_owned(),
    }
}

#[expect(clippy::print_stderr, reason = "the log is not set up yet")]
fn refuse(reason: &str) -> u8 {
    eprintln!("{reason}");
    2
}

impl Settings {
    /// Whether a model answers, and not the built-in rules.
    #[must_use]
    pub fn has_model(&self) -> bool {
        self.openai_api_key.is_some() || self.openai_base_url.is_some()
    }

    /// The system prompt, from wherever it comes.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn instructions(&self) -> anyhow::Result<String> {
        match (&self.agent_instructions, &self.agent_instructions_file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(file)) => std::fs::read_to_string(file)
                .with_context(|| format!("AGENT_INSTRUCTIONS_FILE: {}", file.display())),
            (None, None) => Ok(DEFAULT_INSTRUCTIONS.to_owned()),
        }
    }

    /// The shared secret, under whichever name it came.
    ///
    /// # Errors
    /// When both names are used with different values.
    pub fn secret(&self) -> anyhow::Result<Option<&Secret>> {
        match (&self.better_auth_secret, &self.jwt_secret) {
            (Some(one), Some(other)) if one.expose() != other.expose() => {
                bail!("BETTER_AUTH_SECRET and JWT_SECRET are both set, and differ")
            }
            (one, other) => Ok(one.as_ref().or(other.as_ref())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
