//! What becomes of answers when processes, the database or readers fail. Of the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on panics"
)]

mod broken_turns;
mod browser;
mod crowd;
mod killed;
mod outage;
mod process;
mod replicas;
mod sleepers;
mod stopped;
