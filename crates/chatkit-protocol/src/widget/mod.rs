//! Widgets: trees of components. A widget is stored as JSON, so components and props that this
//! version does not know pass through. [`build`] creates widgets and [`diff`] computes the updates
//! between two versions.

pub mod build;
mod diff;
mod tree;

pub use self::{diff::diff, tree::Widget};
