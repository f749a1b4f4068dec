//! Helpers that deserialize members.

use serde::{Deserialize, Deserializer};

/// Deserializes a member that has a default. Treats `null` like an absent member.
pub(crate) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
