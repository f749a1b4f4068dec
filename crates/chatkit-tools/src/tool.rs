//! What a tool is.

use std::fmt::Debug;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{ToolContext, schema::parameters};

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
    /// Above this, floats do not tell integers apart.
    const MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            let is_whole = float.fract() == 0.0 && float.abs() <= MAX;
            if is_whole {
                // In range, so that nothing is lost.
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
