//! The HTTP suite on SQLite.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "suite.rs"]
mod suite;

const BACKEND: chatkit_tests::Backend = chatkit_tests::Backend::Sqlite;
