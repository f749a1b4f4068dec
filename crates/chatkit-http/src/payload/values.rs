//! Values on the wire: times, ids, and any JSON.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// A point in time on the wire: RFC 3339, UTC, milliseconds, `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Timestamp(pub(crate) DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// A conversation id as the caller wrote it. If it is not a UUID, the conversation is not found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConversationRef(pub(crate) String);

/// Any JSON object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JsonValue(pub(crate) Value);

/// The name of a provider: a component of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProviderName(pub(crate) String);

/// Describes a type that serde reads and writes, with its schema at the place of use or as a
/// component.
macro_rules! serde_type {
    ($type:ty, $name:literal, component $schema:expr) => {
        serde_type!(
            $type,
            $name,
            MetaSchemaRef::Reference($name.to_owned()),
            fn register(registry: &mut Registry) {
                registry.create_schema::<Self, _>($name.to_owned(), |_| $schema);
            }
        );
    };
    ($type:ty, $name:literal, inline $schema:expr) => {
        serde_type!($type, $name, MetaSchemaRef::Inline(Box::new($schema)),);
    };
    ($type:ty, $name:literal, $schema_ref:expr, $($register:tt)*) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                $schema_ref
            }

            $($register)*

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }

        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                serde_json::to_value(self).ok()
            }
        }

        impl ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
            }
        }
    };
}

serde_type!(
    Timestamp,
    "timestamp",
    inline MetaSchema::new_with_format("string", "date-time")
);
serde_type!(
    ConversationRef,
    "conversation_ref",
    inline MetaSchema::new_with_format("string", "uuid")
);
serde_type!(
    JsonObject,
    "json_object",
    inline MetaSchema {
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    }
);
serde_type!(
    JsonValue,
    "json_value",
    inline MetaSchema {
        description: Some("Any JSON value."),
        ..MetaSchema::ANY
    }
);
serde_type!(
    ProviderName,
    "ProviderName",
    component MetaSchema {
        description: Some("The name of the provider that answers."),
        ..MetaSchema::new("string")
    }
);
