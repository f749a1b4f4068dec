//! Widgets: trees of components, kept as the JSON they are, so that components and props that this
//! version does not know pass through. [`build`] makes them, [`diff`] says how one became another.

pub mod build;
mod diff;
mod tree;

pub use self::{diff::diff, tree::Widget};
