//! The JSON schemas of tool arguments, in a form that all known model servers accept.
//!
//! Gemini supports a subset of the OpenAPI schemas. Other servers reject keywords that their
//! grammar compiler does not support. So a schema has one `type`, no references, and only known
//! keywords. An optional argument is left out of `required`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The keywords that remain in a schema.
const KEYWORDS: [&str; 12] = [
    "type",
    "description",
    "properties",
    "required",
    "items",
    "enum",
    "anyOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "maxItems",
];

/// Returns the schema of a type, without the description of the type itself.
pub(crate) fn parameters<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let Value::Object(schema) = schema.to_value() else {
        return json!({"type": "object", "properties": {}});
    };
    let (mut schema, _) = simple(schema);
    schema.remove("description");
    schema.insert("type".to_owned(), json!("object"));
    schema.entry("properties").or_insert_with(|| json!({}));
    Value::Object(schema)
}

/// Simplifies a schema. Returns also whether it allows `null`.
fn simple(schema: Map<String, Value>) -> (Map<String, Value>, bool) {
    let (mut schema, mut is_nullable) = without_alternatives(schema);
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        let count = types.len();
        types.retain(|name| name != "null");
        is_nullable |= types.len() < count;
        let single = types.first().cloned().unwrap_or_else(|| json!("string"));
        schema.insert("type".to_owned(), single);
    }
    if let Some(constant) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([constant]));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Object(items)) = schema.remove("items") {
        schema.insert("items".to_owned(), Value::Object(simple(items).0));
    }
    simplify_properties(&mut schema);
    schema.retain(|keyword, _| KEYWORDS.contains(&keyword.as_str()));
    (schema, is_nullable)
}

/// Replaces `anyOf`, `oneOf`, and `allOf` with one type where possible.
fn without_alternatives(mut schema: Map<String, Value>) -> (Map<String, Value>, bool) {
    let alternatives = ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .find_map(|keyword| schema.remove(keyword));
    let Some(Value::Array(alternatives)) = alternatives else {
        return (schema, false);
    };
    let count = alternatives.len();
    let mut rest: Vec<Map<String, Value>> = alternatives
        .into_iter()
        .filter(|alternative| alternative["type"] != "null")
        .filter_map(|alternative| match alternative {
            Value::Object(alternative) => Some(simple(alternative).0),
            _ => None,
        })
        .collect();
    let is_nullable = rest.len() < count;
    let are_values = rest
        .iter()
        .all(|alternative| alternative.contains_key("enum"));
    if rest.len() == 1 {
        // Keywords beside the alternatives take precedence, such as the argument's own description.
        for (keyword, value) in rest.swap_remove(0) {
            schema.entry(keyword).or_insert(value);
        }
    } else if are_values && !rest.is_empty() {
        let values = rest
            .iter_mut()
            .filter_map(|alternative| alternative.remove("enum"));
        let values = values.filter_map(|values| match values {
            Value::Array(values) => Some(values),
            _ => None,
        });
        schema.insert("enum".to_owned(), values.flatten().collect());
        schema.entry("type").or_insert_with(|| json!("string"));
    } else {
        let rest = rest.into_iter().map(Value::Object);
        schema.insert("anyOf".to_owned(), rest.collect());
    }
    (schema, is_nullable)
}

/// Simplifies the schema of each property. A property that may be `null` is not required.
fn simplify_properties(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.remove("properties") else {
        return;
    };
    let mut optional = Vec::new();
    let mut simplified = Map::new();
    for (name, property) in properties {
        let (property, is_nullable) = match property {
            Value::Object(property) => simple(property),
            // A schema that is not an object allows any value.
            _ => (Map::new(), false),
        };
        if is_nullable {
            optional.push(name.clone());
        }
        simplified.insert(name, Value::Object(property));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| optional.iter().all(|optional| name != optional));
    }
    if schema
        .get("required")
        .is_some_and(|required| *required == json!([]))
    {
        schema.remove("required");
    }
    schema.insert("properties".to_owned(), Value::Object(simplified));
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// The number of a task.
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        Pending,
        /// It is done.
        Completed,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Arguments {
        /// The number.
        number: u64,
        title: Option<String>,
        /// The task's status.
        status: Option<Status>,
        tags: Vec<Option<i32>>,
        inner: Option<Inner>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Inner {
        a: bool,
    }

    #[test]
    fn schemas_have_one_type_and_known_keywords() {
        let status = json!({
            "type": "string", "enum": ["pending", "completed"], "description": "The task's status."
        });
        let inner = json!({
            "type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "number": {"type": "integer", "minimum": 0, "description": "The number."},
                "title": {"type": "string"},
                "status": status,
                "tags": {"type": "array", "items": {"type": "integer"}},
                "inner": inner,
            },
            "required": ["number", "tags"],
        });
        assert_eq!(parameters::<Arguments>(), expected);
        let empty = json!({"type": "object", "properties": {}});
        assert_eq!(parameters::<Map<String, Value>>(), empty);
    }
}
