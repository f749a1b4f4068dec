//! Rules for every piece of text.

use serde_json::Value;

use crate::InvalidValue;

/// Text in which U+0000, which PostgreSQL cannot store, is replaced by U+FFFD.
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

/// JSON text in which the escape of U+0000 is replaced by the one of U+FFFD, in strings and in the
/// names of members.
#[must_use]
pub fn replace_escaped_nul(json: String) -> String {
    const ESCAPED_NUL: &str = "\\u0000";
    if !json.contains(ESCAPED_NUL) {
        return json;
    }
    let mut replaced = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(index) = rest.find('\\') {
        let (before, escape) = rest.split_at(index);
        replaced.push_str(before);
        // An escape is a backslash and at least one more ASCII character.
        let length = if escape.starts_with(ESCAPED_NUL) {
            replaced.push_str("\\ufffd");
            ESCAPED_NUL.len()
        } else {
            let length = escape.len().min(2);
            replaced.push_str(&escape[..length]);
            length
        };
        rest = &escape[length..];
    }
    replaced.push_str(rest);
    replaced
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

    #[test]
    fn only_escapes_of_nul_are_replaced_in_json_text() {
        for value in [
            json!({"a\0": ["x\0y\0"]}),
            json!(["\\u0000", "\\\0", "\"\\u0000\"", "é\\"]),
            json!({"plain": "text"}),
        ] {
            let replaced = replace_escaped_nul(value.to_string());
            let read: Value = serde_json::from_str(&replaced).unwrap();
            assert_eq!(read, replace_nul_in_json(value));
        }
    }
}
