//! Parsers of flag values that have a plain type.

use std::time::Duration;

use anyhow::{Context, bail};
use tracing_subscriber::EnvFilter;

/// Parses a duration from a millisecond to ten years.
pub(super) fn positive_duration(text: &str) -> anyhow::Result<Duration> {
    duration_from(text, Duration::from_millis(1))
}

/// Parses a lease of at least 100 ms, because a lease is extended five times before it expires.
pub(super) fn lease(text: &str) -> anyhow::Result<Duration> {
    duration_from(text, Duration::from_millis(100))
}

fn duration_from(text: &str, least: Duration) -> anyhow::Result<Duration> {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let duration = humantime::parse_duration(text).context("must be a duration, such as 30s")?;
    if !(least..=TEN_YEARS).contains(&duration) {
        bail!(
            "must be from {} to 10 years",
            humantime::format_duration(least)
        );
    }
    Ok(duration)
}

/// Parses the length of a tool result: at least enough for any error, so that a model can correct
/// its call.
pub(super) fn result_chars(text: &str) -> anyhow::Result<usize> {
    let chars = text.parse().ok().filter(|chars| *chars >= 1_000);
    chars.context("must be a whole number of at least 1000")
}

pub(super) fn not_empty(text: &str) -> anyhow::Result<String> {
    if text.trim().is_empty() {
        bail!("must not be empty: leave it out instead");
    }
    Ok(text.to_owned())
}

/// Parses an audience, except that of sign-in tokens.
pub(super) fn audience(text: &str) -> anyhow::Result<String> {
    if text.trim_end_matches('/') == "sign-in" {
        bail!("must not be sign-in, which is reserved for sign-in links");
    }
    not_empty(text)
}

pub(super) fn log_filter(text: &str) -> anyhow::Result<String> {
    text.parse::<EnvFilter>()
        .context("must be a filter of tracing, such as info")?;
    Ok(text.to_owned())
}
