//! The contract: the published OpenAPI document, built from types alone.

pub(crate) mod document;
pub(crate) mod examples;
pub(crate) mod fingerprint;
mod problems;
mod schemas;
pub(crate) mod tags;
#[cfg(test)]
mod tests;
