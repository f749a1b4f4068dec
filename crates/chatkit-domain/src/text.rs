//! Rules that every piece of text obeys.

use serde_json::Value;

use crate::InvalidValue;

/// Text that a model or tool produced, made storable: PostgreSQL cannot keep U+0000, which
/// becomes U+FFFD.
#[must_use]
pub fn replace_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

/// [`replace_nul`] for every string in a JSON value, the names of members included.
#[must_use]
pub fn replace_nul_in_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(replace_nul(text)),
        Value::Array(values) => values.into_iter().map(replace_nul_in_json).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (replace_nul(name), replace_nul_in_json(value)))
            .collect(),
        other => other,
    }
}

/// Checks that trimmed `text` has 1 to `max` characters (Unicode scalars) and no U+0000.
pub(crate) fn check_length(text: &str, max: usize) -> Result<(), InvalidValue> {
    if text.contains('\0') {
        return Err(InvalidValue::new("must not contain U+0000"));
    }
    let length = text.trim().chars().count();
    if length == 0 {
        return Err(InvalidValue::new("must not be blank"));
    }
    if length > max {
        return Err(InvalidValue::new(format!(
            "must have at most {max} characters, has {length}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_replaced_at_every_depth() {
        assert_eq!(
            replace_nul_in_json(json!({"a\0": ["x\0y", {"b": "\0"}], "c": 1})),
            json!({"a\u{fffd}": ["x\u{fffd}y", {"b": "\u{fffd}"}], "c": 1})
        );
    }
}
