//! Implements the repositories of `chatkit-domain` for SQLite and PostgreSQL. The URL selects the
//! database at run time.
//!
//! [`connect`] opens the connection pools and returns all ports. The crate `chatkit-migration`
//! creates the schema.

mod sql;

pub use sql::{DatabaseOptions, Stores, connect};
