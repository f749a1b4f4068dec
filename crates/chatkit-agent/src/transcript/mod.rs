//! Converts the items of a conversation to the input of a model. All functions are pure.

pub(crate) mod input;
mod shown;
pub(crate) mod text;
pub(crate) mod window;
