//! Tools that the agent may call: the trait, the registry and the built-in task tools.
//!
//! A [`Tool`] has typed arguments, from which its JSON schema is derived. The [`ToolRegistry`]
//! holds the tools of a server under unique names and calls them with the JSON that a model sends.
//! Arguments that do not match become a [`ToolError`] that the model can correct.

mod context;
mod registry;
mod schema;
pub mod tasks;
mod tool;

pub use context::ToolContext;
pub use registry::{RegistryError, ToolRegistry};
pub use tool::{Tool, ToolDefinition, ToolError};
