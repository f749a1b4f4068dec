//! The component tree of a widget.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

/// A widget: an object with a `type`, and without `null`s at any depth.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Widget(Map<String, Value>);

impl Widget {
    /// Creates a widget from this object without its `null`s. Returns `None` if the object has no
    /// `type`.
    #[must_use]
    pub fn new(root: Map<String, Value>) -> Option<Self> {
        matches!(root.get("type"), Some(Value::String(_))).then(|| Self::of(root))
    }

    /// Creates a widget from an object that has a `type`.
    pub(super) fn of(mut root: Map<String, Value>) -> Self {
        strip(&mut root);
        Self(root)
    }

    /// The root component.
    #[must_use]
    pub fn root(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Widget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let root = Map::deserialize(deserializer)?;
        Self::new(root).ok_or_else(|| D::Error::missing_field("type"))
    }
}

/// Removes all members that are `null`. In a widget, `null` means the same as an absent member.
fn strip(object: &mut Map<String, Value>) {
    object.retain(|_, value| !value.is_null());
    object.values_mut().for_each(strip_within);
}

fn strip_within(value: &mut Value) {
    match value {
        Value::Object(object) => strip(object),
        Value::Array(values) => values.iter_mut().for_each(strip_within),
        _ => {}
    }
}
