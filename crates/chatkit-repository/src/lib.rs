//! The repositories of `chatkit-domain` on SQLite and PostgreSQL, picked at run time by URL.
//!
//! [`connect`] gives all of them over one pool. The schema comes from `chatkit-migration`; the
//! feature `conformance` adds the suite that every implementation of the ports must pass.

#[cfg(feature = "conformance")]
pub mod conformance;
mod sql;

pub use sql::{DatabaseOptions, connect};
