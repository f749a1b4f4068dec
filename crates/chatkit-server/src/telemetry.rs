//! The log, on standard output, as text or as JSON.

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

/// Logs the location of every panic from now on, and never its text: a library's panic may quote a
/// message.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "a thread panicked");
    }));
}

/// A log that writes to `writer`.
///
/// # Errors
/// When `filter` is not a filter.
pub fn log<W>(filter: &str, format: LogFormat, writer: W) -> anyhow::Result<Dispatch>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: EnvFilter = filter
        .parse()
        .context("RUST_LOG is not a filter of tracing")?;
    // Otherwise a busy pool logs a line for every request.
    let filter = filter.add_directive("sqlx::pool::acquire=error".parse()?);
    let log = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_env_filter(filter)
        // Otherwise a line that cannot be written is reported on standard error, and the process
        // ends if that fails too.
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

/// Whether a log entry is free of secrets, regardless of the filter. async-openai logs bodies that
/// it could not parse, which quote conversations. A span of sea-orm contains the database's
/// password.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let is_of = |library: &str| {
        let rest = metadata.target().strip_prefix(library);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    !is_of("async_openai") && (!is_of("sea_orm") || *metadata.level() <= Level::INFO)
}
