//! The registry of a server's tools.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    Tool, ToolContext, ToolDefinition, ToolError,
    tool::{AnyTool, Typed},
};

/// The tools that the agent may call, by name.
#[derive(Clone, Debug, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<String, Arc<dyn AnyTool>>,
}

/// The reason why a tool could not be registered. It should keep the server from starting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Another tool has the same name.
    #[error("two tools are named `{0}`")]
    DuplicateName(String),
    /// The name contains characters that models cannot call.
    #[error("`{0}` is not a valid tool name: use 1 to 64 characters of a-z A-Z 0-9 _ -")]
    InvalidName(String),
}

impl ToolRegistry {
    /// Adds a tool.
    ///
    /// # Errors
    /// [`RegistryError`] if the name is taken, or if a model cannot call it.
    pub fn register<T: Tool>(&mut self, tool: T) -> Result<(), RegistryError> {
        let name = tool.name().to_owned();
        let callable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(callable) {
            return Err(RegistryError::InvalidName(name));
        }
        if self.tools.contains_key(&name) {
            return Err(RegistryError::DuplicateName(name));
        }
        self.tools.insert(name, Arc::new(Typed::new(tool)));
        Ok(())
    }

    /// Returns the definitions for the model, ordered by name.
    pub fn definitions(&self) -> impl Iterator<Item = &ToolDefinition> {
        self.tools.values().map(|tool| tool.definition())
    }

    /// Whether a tool has this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// Whether the tool exists and only reads data.
    #[must_use]
    pub fn is_read_only(&self, name: &str) -> bool {
        self.tools
            .get(name)
            .is_some_and(|tool| tool.definition().read_only)
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// [`ToolError::Refused`] also if no tool has this name, or if the arguments do not match the
    /// schema.
    pub async fn call(
        &self,
        context: &ToolContext,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Value, ToolError> {
        match self.tools.get(name) {
            Some(tool) => tool.call(context, arguments).await,
            None => Err(ToolError::Refused(format!(
                "There is no tool named `{name}`."
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    #[async_trait]
    impl Tool for Named {
        type Arguments = Map<String, Value>;
        type Output = ();

        fn name(&self) -> &str {
            self.0
        }

        fn description(&self) -> &str {
            "Does nothing."
        }

        async fn call(&self, _: &ToolContext, _: Self::Arguments) -> Result<(), ToolError> {
            Ok(())
        }
    }

    #[test]
    fn duplicate_and_invalid_names_are_rejected() {
        let mut registry = ToolRegistry::default();
        assert_eq!(registry.register(Named("a-b_1")), Ok(()));
        assert_eq!(
            registry.register(Named("a-b_1")),
            Err(RegistryError::DuplicateName("a-b_1".to_owned()))
        );
        for name in ["", "a b", "é", &"a".repeat(65)] {
            let name: &'static str = name.to_owned().leak();
            assert_eq!(
                registry.register(Named(name)),
                Err(RegistryError::InvalidName(name.to_owned()))
            );
        }
    }
}
