//! Enums of the contract whose values are the domain's.

use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A set of named values of the domain with its name and description in the contract.
pub(crate) trait NamedValue: Copy + Send + Sync + 'static {
    /// The name of the schema.
    const SCHEMA: &'static str;
    /// The description of the schema.
    const DESCRIPTION: &'static str;
    /// Every value.
    const VALUES: &'static [Self];

    /// The value on the wire.
    fn name(self) -> &'static str;
}

/// A named value on the wire: its name as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T> From<T> for Named<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: NamedValue> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de, T: NamedValue> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let mut values = T::VALUES.iter().copied();
        let value = values.find(|value| value.name() == name);
        value.map(Self).ok_or_else(|| {
            let names = T::VALUES.iter().map(|value| format!("`{}`", value.name()));
            let names: Vec<String> = names.collect();
            serde::de::Error::custom(format!("must be one of {}", names.join(", ")))
        })
    }
}

impl<T: NamedValue> Type for Named<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        T::SCHEMA.into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(T::SCHEMA.to_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>(T::SCHEMA.to_owned(), |_| MetaSchema {
            description: Some(T::DESCRIPTION),
            enum_items: T::VALUES.iter().map(|value| value.name().into()).collect(),
            ..MetaSchema::new("string")
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: NamedValue> ToJSON for Named<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.name().into())
    }
}

impl<T: NamedValue> ParseFromJSON for Named<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default())
            .map_err(poem_openapi::types::ParseError::custom)
    }
}

/// Publishes an enum of the domain.
macro_rules! publish {
    ($($type:ty, $schema:literal, $description:expr;)+) => {
        $(
            impl $crate::payload::named::NamedValue for $type {
                const SCHEMA: &'static str = $schema;
                const DESCRIPTION: &'static str = $description;
                const VALUES: &'static [Self] = Self::ALL;

                fn name(self) -> &'static str {
                    self.as_str()
                }
            }
        )+
    };
}

pub(crate) use publish;
