//! Answers one run from its start to its end. The responder comes first, then the engine with the
//! model and the tools, and then the end.

mod ending;
mod engine;
mod exchange;
mod failure;
mod progress;
pub(crate) mod respond;
mod thinking;
mod tool_round;
