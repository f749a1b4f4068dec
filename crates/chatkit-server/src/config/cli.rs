//! The command line of the binary.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{args::SettingsArgs, parse::log_filter};

/// Stored conversations behind an HTTP API.
#[derive(Debug, Parser)]
#[command(name = "chatkit-server", version, about)]
pub struct Cli {
    /// The command. Without one, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings of the server.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The settings of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The settings of the log.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// The format of the log
    #[arg(long, env, global = true, default_value = "pretty")]
    pub log_format: LogFormat,
    /// The log filter, in the syntax of tracing
    #[arg(long, env, global = true, default_value = "info", value_parser = log_filter)]
    pub rust_log: String,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests until a signal to stop
    Serve,
    /// Change the database's schema
    Migrate {
        /// The direction
        #[command(subcommand)]
        direction: Option<Migrate>,
    },
    /// Print a token for a user, signed with the configured or the local secret
    Token {
        /// The user
        #[arg(long)]
        user: String,
        /// How long the token is valid, such as 12h or 7d
        #[arg(long, default_value = "7d", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
    /// Print the contract: OpenAPI in YAML
    Openapi,
    /// Permanently remove everything of one user, and print the counts
    Erase {
        /// The user
        #[arg(long)]
        user: String,
    },
    /// Ask the running server whether it is ready. The exit code is 0 if it is
    Healthcheck,
}

/// The directions in which the schema changes.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Migrate {
    /// Apply pending migrations
    Up,
    /// Revert the newest migration, and remove the data that it holds
    Down,
    /// List the migrations
    Status,
}

impl Cli {
    /// Reads `.env`, the environment and the command line. Prints an error as one line that names
    /// the setting.
    ///
    /// # Errors
    /// The exit code of the process, after the error or the requested help was printed.
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

/// Describes an error in one line that names the setting. It never contains the value, which may be
/// a secret.
fn reason(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ErrorKind};
    let text = error.render().to_string();
    let first_line = text.lines().next().unwrap_or_default();
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(argument)) => {
            let why = std::error::Error::source(error).map_or_else(
                || "the value is not one of the possible values".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
