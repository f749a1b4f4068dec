//! The repositories of `chatkit-domain` on SQLite and PostgreSQL, picked at run time by URL.
//!
//! [`connect`] opens a connection pool and returns all of them. The schema comes from
//! `chatkit-migration`.

mod sql;

pub use sql::{DatabaseOptions, Stores, connect};
