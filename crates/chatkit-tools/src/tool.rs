//! What a tool is.

use std::fmt::Debug;

use async_trait::async_trait;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::ToolContext;

/// Something that the agent can do for its user.
#[async_trait]
pub trait Tool: Debug + Send + Sync + 'static {
    /// What it is called with. Doc comments of the fields become the schema's descriptions.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// What it gives back, as JSON.
    type Output: Serialize;

    /// The name by which a model calls it: 1 to 64 of `a-z A-Z 0-9 _ -`.
    fn name(&self) -> &str;

    /// What it does, for the model.
    fn description(&self) -> &str;

    /// Whether it only reads: such tools may run at the same time.
    fn is_read_only(&self) -> bool {
        false
    }

    /// Does it.
    ///
    /// # Errors
    /// [`ToolError::Refused`] with a sentence for the model; [`ToolError::Failed`] for what
    /// neither the model nor the user can mend.
    async fn call(
        &self,
        context: &ToolContext,
        arguments: Self::Arguments,
    ) -> Result<Self::Output, ToolError>;
}

/// Why a tool did not do what it was called for. It never ends the run: the model is told.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The call was wrong; the sentence tells the model what to mend.
    #[error("{0}")]
    Refused(String),
    /// The tool itself failed. The model learns only that.
    #[error("the tool failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A tool as it is described to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The JSON schema of its arguments, an object without references.
    pub parameters: Value,
    /// Whether it only reads.
    pub read_only: bool,
}

/// A tool whose types are erased.
#[async_trait]
pub(crate) trait AnyTool: Debug + Send + Sync {
    fn definition(&self) -> &ToolDefinition;

    async fn call(
        &self,
        context: &ToolContext,
        arguments: Map<String, Value>,
    ) -> Result<Value, ToolError>;
}

#[derive(Debug)]
pub(crate) struct Typed<T> {
    tool: T,
    definition: ToolDefinition,
}

impl<T: Tool> Typed<T> {
    pub(crate) fn new(tool: T) -> Self {
        let definition = ToolDefinition {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: parameters::<T::Arguments>(),
            read_only: tool.is_read_only(),
        };
        Self { tool, definition }
    }
}

#[async_trait]
impl<T: Tool> AnyTool for Typed<T> {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(
        &self,
        context: &ToolContext,
        arguments: Map<String, Value>,
    ) -> Result<Value, ToolError> {
        let arguments = serde_path_to_error::deserialize(Value::Object(arguments))
            .map_err(|error| ToolError::Refused(format!("Wrong arguments: {error}")))?;
        let output = self.tool.call(context, arguments).await?;
        serde_json::to_value(output).map_err(|error| ToolError::Failed(Box::new(error)))
    }
}

/// The schema in the form that model servers take: inline, without its dialect and title.
fn parameters<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}
