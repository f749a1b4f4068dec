//! The rule that a value breaks, in words for the caller.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// The rule that a value breaks.
#[derive(Debug)]
pub(super) enum Fault {
    /// The value has the wrong type, or is out of range.
    Type {
        /// Whether the value itself is an array or an object.
        is_compound: bool,
        rule: &'static str,
    },
    /// A member is missing.
    Missing(String),
    /// The name is none of these. An object has it as its tag.
    Variant(&'static [&'static str]),
    /// Another rule.
    Rule(String),
}

impl Fault {
    /// The path of the value that is wrong, and the rule that it breaks.
    pub(super) fn describe(self, path: &Path, document: &Value) -> (String, String) {
        let value = find(path, document);
        let is_object = value.is_some_and(Value::is_object);
        let is_compound_value = is_object || value.is_some_and(Value::is_array);
        let inside = |member: &str| match path.to_string().as_str() {
            "." => member.to_owned(),
            path => format!("{path}.{member}"),
        };
        match self {
            Self::Missing(member) => (inside(&member), "is required".to_owned()),
            Self::Variant(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                let path = if is_object {
                    inside("type")
                } else {
                    path.to_string()
                };
                (path, format!("must be one of {}", names.join(", ")))
            }
            // Members of tagged objects are read from a copy, which has no paths.
            Self::Type { is_compound, rule } if is_compound_value && !is_compound => {
                (path.to_string(), format!("has a member that {rule}"))
            }
            Self::Type { rule, .. } => (path.to_string(), rule.to_owned()),
            Self::Rule(rule) => (path.to_string(), rule),
        }
    }
}

/// The value at a path.
fn find<'a>(path: &Path, document: &'a Value) -> Option<&'a Value> {
    path.iter()
        .try_fold(document, |value, segment| match segment {
            Segment::Seq { index } => value.get(index),
            Segment::Map { key } => value.get(key),
            Segment::Enum { .. } | Segment::Unknown => Some(value),
        })
}

/// The rule for an expected type, given serde's name of the type.
fn rule_of(expected: &str) -> &'static str {
    let is = |words: &[&str]| words.iter().any(|word| expected.contains(word));
    if is(&["struct", "map", "enum", "tagged", "variant of"]) {
        "must be an object"
    } else if is(&["string", "str", "char", "identifier", "variant"]) {
        "must be a string"
    } else if is(&["bool"]) {
        "must be true or false"
    } else if is(&["sequence", "array", "tuple"]) {
        "must be an array"
    } else if is(&["f32", "f64"]) {
        "must be a number"
    } else if is(&["u8", "u16", "u32", "u64", "usize"]) {
        "must be an integer of at least 0"
    } else if is(&["i8", "i16", "i32", "i64", "integer"]) {
        "must be an integer"
    } else {
        "has the wrong type"
    }
}

impl Error for Fault {
    /// Messages of our own types state a rule. Other messages come from libraries, and callers do
    /// not see them.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        if message.starts_with("must ") || message.starts_with("has ") {
            Self::Rule(message)
        } else if message.starts_with("UUID") {
            Self::Rule("must be a UUID".to_owned())
        } else {
            Self::Rule("has the wrong form".to_owned())
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Type {
            is_compound: matches!(found, Unexpected::Map | Unexpected::Seq),
            rule: rule_of(&expected.to_string()),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(_name: &str, names: &'static [&'static str]) -> Self {
        Self::Variant(names)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name.to_owned())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value has the wrong form")
    }
}

impl std::error::Error for Fault {}
