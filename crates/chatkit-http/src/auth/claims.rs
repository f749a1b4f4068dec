//! Checks of a token's claims (RFC 7519 section 4.1).

use chatkit_domain::UserId;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::failure::AuthFailure;

/// Largest difference between the clocks of issuer and server, in seconds.
pub(super) const LEEWAY: f64 = 30.0;

/// Checks `exp` and `nbf`, which are numbers of seconds and may have fractions.
pub(super) fn check_times(
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(), AuthFailure> {
    let now = seconds(now);
    let exp = claims.get("exp").and_then(Value::as_f64);
    let exp = exp.ok_or_else(|| AuthFailure::invalid("the token has no expiry"))?;
    if exp + LEEWAY <= now {
        return Err(AuthFailure::Expired);
    }
    match claims.get("nbf") {
        None => Ok(()),
        Some(nbf) if nbf.as_f64().is_some_and(|nbf| nbf <= now + LEEWAY) => Ok(()),
        Some(_) => Err(AuthFailure::invalid("the token is not valid yet")),
    }
}

pub(super) fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1_000.0
}

/// Whether a token is for this audience: `aud` is a string or a list of them.
pub(super) fn has_audience(claims: &Map<String, Value>, expected: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => is_same(audience, expected),
        Some(Value::Array(audiences)) => audiences
            .iter()
            .filter_map(Value::as_str)
            .any(|audience| is_same(audience, expected)),
        _ => false,
    }
}

/// Compares issuers or audiences. They are often origins, which people write with and without a
/// trailing slash.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}

/// The user of a verified token: `sub`, else `user_id`, else `id`; a string or an integer.
pub(super) fn user_id(claims: &Map<String, Value>) -> Result<UserId, AuthFailure> {
    find_user_id(claims).ok_or_else(|| AuthFailure::invalid("the token does not name its user"))
}

fn find_user_id(claims: &Map<String, Value>) -> Option<UserId> {
    let claim = ["sub", "user_id", "id"]
        .iter()
        .find_map(|name| claims.get(*name).filter(|claim| !claim.is_null()))?;
    let text = match claim {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return None,
    };
    UserId::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(claims: Value, expected: Option<&str>) {
        let Value::Object(claims) = claims else {
            panic!("claims are an object");
        };
        let found = find_user_id(&claims);
        assert_eq!(found.as_ref().map(UserId::as_str), expected);
    }

    #[test]
    fn the_user_is_sub_then_user_id_then_id() {
        check(json!({"sub": "a", "user_id": "b", "id": "c"}), Some("a"));
        check(json!({"user_id": "b", "id": "c"}), Some("b"));
        check(json!({"sub": null, "id": 7}), Some("7"));
        check(json!({"sub": ""}), None);
        check(json!({"sub": 1.5, "id": "c"}), None);
        check(json!({"sub": ["a"]}), None);
        check(json!({"email": "a@b.c"}), None);
        check(json!({"sub": "x".repeat(256)}), None);
    }
}
