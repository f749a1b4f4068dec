//! Rewrites the library's OpenAPI 3.0 into the OpenAPI 3.1 that the contract uses.

use serde_json::{Map, Value, json};

use crate::rest::schema::event::EVENTS;

/// Rewrites all schemas, parameters and headers.
pub(super) fn rewrite(document: &mut Value) {
    write_numbers_and_headers(document);
    write_patterns(document);
    document["components"]["schemas"]["NewRun"]["oneOf"] =
        json!([{"required": ["content"]}, {"required": ["regenerate"]}]);
    tag_events(document);
    write_schemas_as_3_1(document);
}

/// Adds to the schema of each event the `type` that identifies it.
fn tag_events(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let mut mapping = Map::new();
    for (name, schema) in EVENTS {
        let tag =
            json!({"type": "string", "enum": [name], "description": "The type of the event."});
        let event = members(&mut schemas[schema]);
        let properties = members(event.entry("properties").or_insert(Value::Null));
        properties.shift_insert(0, "type".to_owned(), tag);
        if let Some(required) = event.get_mut("required").and_then(Value::as_array_mut) {
            required.insert(0, json!("type"));
        }
        let reference = format!("#/components/schemas/{schema}");
        mapping.insert(name.to_owned(), json!(reference));
    }
    // Code generators expect no `type` beside `oneOf`.
    members(&mut schemas["RunEvent"]).shift_remove("type");
    schemas["RunEvent"]["discriminator"] = json!({"propertyName": "type", "mapping": mapping});
}

/// The usual spelling of headers. The library writes them in upper case.
const HEADERS: [&str; 10] = [
    "Cache-Control",
    "ETag",
    "Idempotency-Key",
    "Idempotency-Replayed",
    "If-None-Match",
    "Last-Event-ID",
    "Location",
    "Retry-After",
    "Set-Cookie",
    "Vary",
];

/// Patterns of parameters that are checked elsewhere. The library would compile them again for each
/// request.
const PATTERNS: [(&str, &str); 3] = [
    ("Idempotency-Key", r#"^("[!-~]{1,255}"|[!-~]{1,255})$"#),
    ("Last-Event-ID", r"^\d{1,19}$"),
    ("q", r"^[^\u0000]*\S[^\u0000]*$"),
];

fn write_patterns(document: &mut Value) {
    for item in members(&mut document["paths"]).values_mut() {
        for operation in members(item).values_mut() {
            let parameters = operation.get_mut("parameters");
            let parameters = parameters.and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let pattern = PATTERNS.iter().find(|(name, _)| parameter["name"] == *name);
                if let Some((_, pattern)) = pattern {
                    parameter["schema"]["pattern"] = json!(pattern);
                }
            }
        }
    }
}

/// Writes integers without a fraction (`100`, not `100.0`) and headers in their usual spelling.
fn write_numbers_and_headers(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(write_numbers_and_headers),
        Value::Object(members) => {
            rename_headers(members);
            for name in ["minimum", "maximum"] {
                if let Some(bound) = members.get(name).and_then(Value::as_f64) {
                    members.insert(name.to_owned(), json!(bound as i64));
                }
            }
            members.values_mut().for_each(write_numbers_and_headers);
        }
        _ => {}
    }
}

fn rename_headers(object: &mut Map<String, Value>) {
    if object.get("in") == Some(&json!("header"))
        && let Some(name) = object
            .get("name")
            .and_then(Value::as_str)
            .and_then(usual_form)
    {
        object.insert("name".to_owned(), json!(name));
    }
    if let Some(headers) = object.get_mut("headers").and_then(Value::as_object_mut) {
        *headers = std::mem::take(headers)
            .into_iter()
            .map(|(name, header)| {
                let name = usual_form(&name).map_or(name, str::to_owned);
                (name, header)
            })
            .collect();
    }
}

fn usual_form(name: &str) -> Option<&'static str> {
    HEADERS
        .into_iter()
        .find(|header| header.eq_ignore_ascii_case(name))
}

/// Writes nullable schemas, and references with a description, as in OpenAPI 3.1. The library
/// writes OpenAPI 3.0, in which a reference cannot be nullable.
fn write_schemas_as_3_1(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(write_schemas_as_3_1),
        Value::Object(members) => {
            write_schema_as_3_1(members);
            for (name, value) in members.iter_mut() {
                if name != "example" {
                    write_schemas_as_3_1(value);
                }
            }
        }
        _ => {}
    }
}

fn write_schema_as_3_1(schema: &mut Map<String, Value>) {
    let is_nullable = schema.get("nullable") == Some(&json!(true));
    if is_nullable {
        schema.shift_remove("nullable");
    }
    // Code generators use big integers for `int64`, but JSON numbers are not big integers.
    if schema.get("type") == Some(&json!("integer")) {
        schema.shift_remove("format");
    }
    let reference = schema
        .get("allOf")
        .and_then(|all| all.get(0)?.get("$ref"))
        .cloned();
    if let Some(reference) = reference {
        schema.shift_remove("allOf");
        if is_nullable {
            let one_of = json!([{"$ref": reference}, {"type": "null"}]);
            schema.insert("oneOf".to_owned(), one_of);
        } else {
            schema.insert("$ref".to_owned(), reference);
        }
    } else if let Some(kind) = schema.get_mut("type").filter(|_| is_nullable) {
        *kind = json!([kind.take(), "null"]);
    }
}

/// The members of an object. Another value becomes an empty object.
pub(super) fn members(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(members) => members,
        _ => unreachable!("it has just become an object"),
    }
}
