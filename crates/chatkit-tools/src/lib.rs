//! Tools that the agent may use: the trait, the registry, the built-in task tools.
//!
//! A [`Tool`] has typed arguments, from which its JSON schema is derived. The [`ToolRegistry`]
//! holds every tool of a server under a unique name and calls them with whatever JSON a model
//! sends; what does not fit comes back as a [`ToolError`] that the model can mend.

mod context;
mod registry;
mod schema;
pub mod tasks;
mod tool;

pub use context::ToolContext;
pub use registry::{RegistryError, ToolRegistry};
pub use tool::{Tool, ToolDefinition, ToolError};
