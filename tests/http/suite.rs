//! Every promise of the API, asked of a started server. One module per resource.

mod auth;
mod chat;
mod chatkit;
mod completions;
mod conversations;
mod coverage;
mod events;
mod idempotency;
mod jwks;
mod messages;
mod metrics;
mod model;
mod model_failures;
mod model_servers;
mod mount;
mod pages;
mod regenerate;
mod replay;
mod responder;
mod responses;
mod runs;
mod search;
mod session;
mod shell;
mod tools;
mod turns;
