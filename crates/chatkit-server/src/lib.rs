//! The chatkit server, as a library: [`App::start`] is what the binary and the tests start.

mod app;
pub mod config;
pub mod local;
mod metrics;
pub mod shutdown;
pub mod telemetry;

pub use app::{App, Extensions, erase, verifier_options};
