//! From the log of a conversation to the input of a model. Pure functions.

pub(crate) mod input;
mod shown;
pub(crate) mod text;
pub(crate) mod window;
