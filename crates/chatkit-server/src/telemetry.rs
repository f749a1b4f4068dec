//! The log: standard output, for people or for machines.

use std::io::IsTerminal;

use anyhow::Context;
use tracing::{Dispatch, Level, Metadata, dispatcher};
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt};

use crate::config::{LogArgs, LogFormat};

/// Sets up the log of the process.
///
/// # Errors
/// When `RUST_LOG` is not a filter, or a log is already set up.
pub fn init(args: &LogArgs) -> anyhow::Result<()> {
    let log = log(&args.rust_log, args.log_format, std::io::stdout)?;
    dispatcher::set_global_default(log).context("another log is already set up")
}

/// Logs the location of every panic from now on, and never its text: a panic of a library may quote
/// the text that it failed on, which may be a message.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "a thread panicked");
    }));
}

/// A log that is written there.
///
/// # Errors
/// When the text is no filter.
pub fn log<W>(filter: &str, format: LogFormat, writer: W) -> anyhow::Result<Dispatch>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: EnvFilter = filter
        .parse()
        .context("RUST_LOG is not a filter of tracing")?;
    // A busy pool would say so with every request.
    let filter = filter.add_directive("sqlx::pool::acquire=error".parse()?);
    let log = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_env_filter(filter)
        // Otherwise a line that cannot be written is told to standard error, and ends the process
        // when that cannot be written either.
        .log_internal_errors(false)
        .with_ansi(std::io::stdout().is_terminal());
    let discreet = filter_fn(is_discreet);
    Ok(match format {
        LogFormat::Pretty => log.with_target(false).finish().with(discreet).into(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .finish()
            .with(discreet)
            .into(),
    })
}

/// Whether something may be logged, whatever the filter says: not the bodies that a library could
/// not read, which quote conversations, and not a span that holds the database's password.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let is_of = |library: &str| {
        let rest = metadata.target().strip_prefix(library);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    !is_of("async_openai") && (!is_of("sea_orm") || *metadata.level() <= Level::INFO)
}
