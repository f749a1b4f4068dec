//! Reads JSON strictly, and describes a wrong value in a written sentence.
//!
//! A text that is not JSON is unreadable (400). A value of the wrong form is invalid (422), and the
//! error names its path and the rule that it breaks. The two steps are separate, because serde
//! reports a number in place of an enum as a syntax error.

mod fault;
mod reader;

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::reader::Reader;
use crate::problem::ApiError;

/// Parses a JSON object.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    read(&parse_object(bytes)?)
}

/// Parses a JSON object as it is.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ApiError::UnreadableBody("it is not UTF-8".into()))?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = format!("it is not valid JSON (line {line}, column {column})");
        ApiError::UnreadableBody(reason.into())
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(ApiError::invalid(".", "must be a JSON object"))
    }
}

/// Reads a value as this type.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(Reader(value)).map_err(|error| {
        let path = error.path().clone();
        let (path, rule) = error.into_inner().describe(&path, value);
        ApiError::invalid(&path, rule)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        title: String,
        size: Option<u64>,
        is_open: Option<bool>,
        order: Option<Order>,
        parts: Option<Vec<Part>>,
        id: Option<uuid::Uuid>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Asc,
        Desc,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    #[expect(dead_code, reason = "only parsed")]
    enum Part {
        Text { text: String },
    }

    fn check(text: &str, path: &str, rule: &str) {
        let Err(ApiError::Invalid(errors)) = parse::<Body>(text.as_bytes()) else {
            panic!("{text} is accepted");
        };
        assert_eq!(
            (errors[0].path.as_str(), errors[0].message.as_str()),
            (path, rule),
            "{text}"
        );
    }

    #[test]
    fn a_wrong_value_breaks_a_written_rule() {
        check(r#"["a"]"#, ".", "must be a JSON object");
        check("{}", "title", "is required");
        check(r#"{"title": 5}"#, "title", "must be a string");
        check(r#"{"title": null}"#, "title", "must be a string");
        let rest = |rest: &str| format!(r#"{{"title": "a", {rest}}}"#);
        let whole = "must be an integer of at least 0";
        check(&rest(r#""size": "5""#), "size", whole);
        check(&rest(r#""size": -1"#), "size", whole);
        check(
            &rest(r#""is_open": "yes""#),
            "is_open",
            "must be true or false",
        );
        check(
            &rest(r#""order": "up""#),
            "order",
            "must be one of `asc`, `desc`",
        );
        check(&rest(r#""order": 5"#), "order", "must be a string");
        check(&rest(r#""order": {"asc": 1}"#), "order", "must be a string");
        check(&rest(r#""id": "x""#), "id", "must be a UUID");
        check(&rest(r#""parts": {}"#), "parts", "must be an array");
        check(&rest(r#""parts": [5]"#), "parts[0]", "must be an object");
        check(&rest(r#""parts": [{}]"#), "parts[0].type", "is required");
        let unknown = r#""parts": [{"type": "image"}]"#;
        check(&rest(unknown), "parts[0].type", "must be one of `text`");
        let missing = r#""parts": [{"type": "text"}]"#;
        check(&rest(missing), "parts[0].text", "is required");
        let inner = r#""parts": [{"type": "text", "text": 5}]"#;
        check(
            &rest(inner),
            "parts[0]",
            "has a member that must be a string",
        );
    }

    #[test]
    fn text_that_is_not_json_is_unreadable() {
        for text in ["", "{", "nonsense", "{\"title\": \"a\"} x"] {
            assert!(matches!(
                parse::<Body>(text.as_bytes()),
                Err(ApiError::UnreadableBody(_))
            ));
        }
        assert!(parse::<Body>(br#"{"title": "a", "other": 1}"#).is_ok());
    }
}
