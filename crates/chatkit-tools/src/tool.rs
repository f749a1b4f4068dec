//! The trait that tools implement.

use std::fmt::Debug;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{ToolContext, schema::parameters};

/// A function that the model can call on behalf of the user.
#[async_trait]
pub trait Tool: Debug + Send + Sync + 'static {
    /// The arguments. The doc comments of the fields become descriptions in the schema.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// The result, which the model receives as JSON.
    type Output: Serialize;

    /// The name by which the model calls the tool: 1 to 64 of `a-z A-Z 0-9 _ -`.
    fn name(&self) -> &str;

    /// A description for the model.
    fn description(&self) -> &str;

    /// Whether the tool only reads data. Such tools may run concurrently.
    fn is_read_only(&self) -> bool {
        false
    }

    /// Runs the tool.
    ///
    /// # Errors
    /// [`ToolError::Refused`] with a sentence for the model, or [`ToolError::Failed`] if neither
    /// the model nor the user can correct the failure.
    async fn call(
        &self,
        context: &ToolContext,
        arguments: Self::Arguments,
    ) -> Result<Self::Output, ToolError>;
}

/// The reason why a tool failed. The model receives the error, and the run continues.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The call was wrong. The sentence tells the model what to correct.
    #[error("{0}")]
    Refused(String),
    /// The tool itself failed. The model learns nothing else.
    #[error("the tool failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The definition of a tool for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// The name of the tool.
    pub name: String,
    /// A description for the model.
    pub description: String,
    /// The JSON schema of the arguments, an object without references.
    pub parameters: Value,
    /// Whether the tool only reads data.
    pub read_only: bool,
}

/// A tool with erased types.
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
        let arguments = with_whole_numbers(Value::Object(arguments));
        let arguments = serde_path_to_error::deserialize(arguments)
            .map_err(|error| ToolError::Refused(format!("Wrong arguments: {error}")))?;
        let output = self.tool.call(context, arguments).await?;
        serde_json::to_value(output).map_err(|error| ToolError::Failed(Box::new(error)))
    }
}

/// Converts floats with whole values, such as `1.0`, to integers. Some models write all numbers as
/// floats, which serde rejects for integer types.
fn with_whole_numbers(value: Value) -> Value {
    /// The largest magnitude up to which a float represents every integer exactly.
    const MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            let is_whole = float.fract() == 0.0 && float.abs() <= MAX;
            if is_whole {
                // The value is in range, so the conversion is exact.
                Value::from(float as i64)
            } else {
                Value::Number(number)
            }
        }
        Value::Array(values) => values.into_iter().map(with_whole_numbers).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, with_whole_numbers(value)))
            .collect(),
        value => value,
    }
}
