//! The bodies of requests and responses.

pub(crate) mod conversation;
pub(crate) mod event;
pub(crate) mod message;
pub(crate) mod run;
pub(crate) mod turn;
