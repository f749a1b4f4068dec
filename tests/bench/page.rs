//! The chat page in a browser, in the long conversation.

use std::fmt::{self, Display, Formatter};

use anyhow::{Result, ensure};
use chatkit_tests::{scenarios, token};
use serde::Deserialize;

use crate::{
    seed::{READER, Seeded},
    server::Server,
};

/// Something that a reader does, in milliseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    what: String,
    took: f64,
    longest: f64,
    blocked: f64,
}

/// What the reader does in the long conversation, one after the other.
pub(crate) async fn measure(server: &Server, seeded: &Seeded) -> Result<Vec<Done>> {
    let mut command = scenarios::command("measure").await;
    let output = command
        .arg(server.url())
        .arg(token::of(READER))
        .arg(seeded.long.to_string())
        .output()
        .await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the page was not measured: {told}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Display for Done {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            took,
            longest,
            blocked,
        } = self;
        write!(
            formatter,
            "| {what} | {took:.0} | {longest:.0} | {blocked:.0} |"
        )
    }
}
