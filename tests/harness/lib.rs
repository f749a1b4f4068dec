//! Support for the tests: a started server, a client, a PostgreSQL cluster, fake model servers,
//! tokens, and a Better Auth server that issues tokens.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot continue panics"
)]

mod better_auth;
pub mod broken_turns;
mod client;
mod database;
pub mod follow;
pub mod issuer;
mod log;
pub mod model;
pub mod pace;
pub mod postgres;
pub mod scenarios;
mod server;
pub mod token;

pub use better_auth::{BetterAuth, SignedIn};
pub use client::{Answer, Client};
pub use database::{Backend, TestDatabase};
pub use server::{Extensions, Replica, Stopped, TestServer};

use std::time::Duration;

/// Waits until a condition holds, for at most ten seconds.
///
/// # Panics
/// When the condition does not hold by then.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("this did not happen in time: {what}");
}
