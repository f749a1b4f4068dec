use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{document, json};

const CHECKED_IN: &str = include_str!("../../../../openapi/chat-api.yaml");

fn operations(document: &Value) -> Vec<(String, Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .values()
                .map(|operation| (path.clone(), operation.clone()))
        })
        .collect()
}

#[test]
fn the_contract_is_the_one_checked_in() {
    assert!(
        document() == CHECKED_IN,
        "openapi/chat-api.yaml is stale: run `cargo xtask openapi`"
    );
}

#[test]
fn the_contract_parses_strictly() {
    // This parser refuses duplicate keys.
    let parsed: Value = serde_yaml_ng::from_str(CHECKED_IN).unwrap();
    assert_eq!(parsed, json());
}

#[test]
fn every_operation_is_described() {
    let mut ids = BTreeSet::new();
    for (path, operation) in operations(&json()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is given twice");
        assert!(path.starts_with("/api/"), "{path}");
        assert!(operation["summary"].is_string(), "{id}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{id}");
        let mut security = json!([{"bearerAuth": []}, {"cookieAuth": []}]);
        if id == "createSession" {
            security = json!([{"bearerAuth": []}]);
        }
        assert_eq!(operation["security"], security, "{id}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{id}"
        );
        assert!(!responses.contains_key("default"), "{id}");
        for (status, response) in responses {
            let described = response["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
            assert!(described || response["$ref"].is_string(), "{id} {status}");
        }
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            assert!(parameter["description"].is_string(), "{id} {parameter}");
        }
    }
}

#[test]
fn schemas_are_closed_and_described() {
    let document = json();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name}");
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        for (property, schema) in properties {
            assert!(schema["description"].is_string(), "{name}.{property}");
            let bare = schema["type"] == "object" && schema["additionalProperties"].is_null();
            assert!(!bare, "{name}.{property} is a bare object");
        }
    }
    let text = document.to_string();
    assert!(!text.contains("charset"), "media types are bare");
    assert!(!text.contains(".0,\"minimum"), "bounds are whole numbers");
}

#[test]
fn nullable_members_are_not_optional() {
    let document = json();
    let message = &document["components"]["schemas"]["Message"];
    let required = message["required"].as_array().unwrap();
    assert_eq!(
        required.len(),
        message["properties"].as_object().unwrap().len()
    );
    assert_eq!(
        message["properties"]["model"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(message["properties"]["content"]["type"], "string");
    assert_eq!(
        message["properties"]["feedback"]["oneOf"][1],
        json!({"type": "null"})
    );
    let problem = &document["components"]["schemas"]["Problem"];
    assert!(
        !problem["required"]
            .as_array()
            .unwrap()
            .contains(&json!("errors"))
    );
}
