//! One run from its start to its end: the responder, the engine that asks the model and calls tools,
//! and the end.

mod ending;
mod engine;
mod exchange;
mod failure;
mod progress;
pub(crate) mod respond;
mod thinking;
mod tool_round;
