//! Reads the token counts of servers. Implausible counts are ignored and never fail an answer.

use chatkit_domain::Usage;
use serde_json::Value;

/// An upper limit for token counts. Larger counts are invalid.
const MAX_TOKENS: f64 = 1e12;

/// The names of the counts, first in chat completions and then in Responses.
const INPUT: [&str; 2] = ["prompt_tokens", "input_tokens"];
const OUTPUT: [&str; 2] = ["completion_tokens", "output_tokens"];

/// Returns the usage if both counts are plausible.
pub(super) fn usage(value: &Value) -> Option<Usage> {
    let count = |names: [&str; 2]| names.into_iter().find_map(|name| count(&value[name]));
    Some(Usage {
        input_tokens: count(INPUT)?,
        output_tokens: count(OUTPUT)?,
        cached_tokens: cached(value),
        estimated: false,
    })
}

/// Returns the number of input tokens from a prompt cache, as OpenAI and DeepSeek report it.
fn cached(value: &Value) -> Option<u64> {
    [
        &value["prompt_tokens_details"]["cached_tokens"],
        &value["input_tokens_details"]["cached_tokens"],
        &value["prompt_cache_hit_tokens"],
    ]
    .into_iter()
    .find_map(count)
}

/// Reads a whole number of at least 0. It may be a float or text.
fn count(value: &Value) -> Option<u64> {
    if let Some(count) = value.as_u64() {
        return Some(count).filter(|count| *count as f64 <= MAX_TOKENS);
    }
    let count = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    let is_count = (0.0..=MAX_TOKENS).contains(&count) && count.fract() == 0.0;
    // The count is in range, so the conversion is exact.
    is_count.then_some(count as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(input: Value, output: Value, expected: Option<(u64, u64)>) {
        let value = json!({"prompt_tokens": input, "completion_tokens": output});
        let found = usage(&value).map(|usage| (usage.input_tokens, usage.output_tokens));
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn implausible_counts_are_ignored() {
        check(json!(11), json!(7), Some((11, 7)));
        check(json!(11.0), json!("7"), Some((11, 7)));
        for wrong in [
            json!(-35),
            json!(1.5),
            json!("many"),
            json!(null),
            json!(1e300),
            json!([1]),
        ] {
            check(json!(11), wrong.clone(), None);
            check(wrong, json!(7), None);
        }
        assert_eq!(usage(&json!("none")), None);
    }

    #[test]
    fn cached_tokens_are_read_under_three_names() {
        for details in [
            json!({"prompt_tokens_details": {"cached_tokens": 5}}),
            json!({"input_tokens_details": {"cached_tokens": 5}}),
            json!({"prompt_cache_hit_tokens": 5}),
        ] {
            let mut value = details;
            value["input_tokens"] = json!(9);
            value["output_tokens"] = json!(1);
            assert_eq!(usage(&value).unwrap().cached_tokens, Some(5));
        }
    }
}
