//! Payloads and small types that say in the contract exactly what stands on the wire.

use std::{borrow::Cow, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use poem::{FromRequest, IntoResponse, Request, RequestBody, Response, Result};
use poem_openapi::{
    ApiResponse, impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    problem::{ApiError, FieldError},
    shell,
};

/// How long a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON payload with the media type `application/json`, read strictly: a number is no string.
#[derive(Clone, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        content_type.parse::<mime::Mime>().is_ok_and(|mime| {
            mime.type_() == mime::APPLICATION
                && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON))
        })
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for Json<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Self(read_body(request, body).await?))
    }
}

/// Reads a request's body as JSON, whatever type it says it has.
pub(crate) async fn read_body<T: DeserializeOwned>(
    request: &Request,
    body: &mut RequestBody,
) -> Result<T, ApiError> {
    read_json(&read_bytes(request, body).await?)
}

/// Reads a request's body as it is.
pub(crate) async fn read_bytes(
    request: &Request,
    body: &mut RequestBody,
) -> Result<bytes::Bytes, ApiError> {
    let reading = bytes::Bytes::from_request(request, body);
    tokio::time::timeout(BODY_TIMEOUT, reading)
        .await
        .map_err(|_| ApiError::UnreadableBody("it took too long to arrive".to_owned()))?
        .map_err(shell::unreadable_body)
}

/// Reads JSON. What is no JSON is unreadable; what does not fit the type is invalid, with the
/// path of the member that does not. The two are read one after the other: at once, serde reports
/// a number for an enum as a fault of the syntax, and takes an array for a struct.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ApiError::UnreadableBody("it is not UTF-8".to_owned()))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| ApiError::UnreadableBody(format!("it is not JSON: {error}")))?;
    if !value.is_object() {
        return Err(ApiError::invalid(".", "must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string().chars().take(200).collect();
        ApiError::Invalid(vec![FieldError { path, message }])
    })
}

impl_apirequest_for_payload!(Json<T>, T: Type + DeserializeOwned);

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::builder()
                .content_type("application/json")
                .body(body),
            Err(error) => poem::Error::from(ApiError::internal(error)).into_response(),
        }
    }
}

impl<T: Type + Serialize + Send> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Done",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: Self::CONTENT_TYPE,
                    schema: Self::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// A member that is always present and may be `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Nullable<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Nullable<T> {
    /// For members of requests: serde would take one that is missing for null.
    pub(crate) fn required<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

/// For members of requests that may be left out, but not be null: serde would take null for
/// nothing.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<T> From<Option<T>> for Nullable<T> {
    fn from(value: Option<T>) -> Self {
        Self(value)
    }
}

impl<T: Type> Type for Nullable<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = T::RawValueType;
    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let nullable = |schema| MetaSchema {
            nullable: true,
            ..schema
        };
        MetaSchemaRef::Inline(Box::new(match T::schema_ref() {
            MetaSchemaRef::Inline(schema) => nullable(*schema),
            reference => MetaSchema {
                all_of: vec![reference],
                ..nullable(MetaSchema::ANY)
            },
        }))
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_ref().and_then(T::as_raw_value)
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        match &self.0 {
            Some(value) => value.raw_element_iter(),
            None => Box::new(std::iter::empty()),
        }
    }
}

impl<T: ToJSON> ToJSON for Nullable<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(T::to_json).unwrap_or_default())
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Nullable<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Option::<T>::parse_from_json(value)
            .map(Self)
            .map_err(ParseError::propagate)
    }
}

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

/// The id of a conversation as a caller wrote it: one that is no UUID names nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConversationRef(pub(crate) String);

/// Any JSON object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JsonValue(pub(crate) Value);

/// Describes a type whose JSON form is serde's.
macro_rules! serde_type {
    ($type:ty, $name:literal, $schema:expr) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

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
    MetaSchema::new_with_format("string", "date-time")
);
serde_type!(
    ConversationRef,
    "conversation_ref",
    MetaSchema::new_with_format("string", "uuid")
);
serde_type!(
    JsonObject,
    "json_object",
    MetaSchema {
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    }
);
serde_type!(
    JsonValue,
    "json_value",
    MetaSchema {
        description: Some("Any JSON value."),
        ..MetaSchema::ANY
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only parsed")]
        title: String,
    }

    fn check(text: &str, expected: &str) {
        let error = read_json::<Body>(text.as_bytes()).unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    }

    #[test]
    fn syntax_is_told_from_meaning() {
        check(
            r#"{"title": 5}"#,
            r#"Invalid([FieldError { path: "title", message: "invalid type: integer `5`, expected a string" }])"#,
        );
        check(
            "{}",
            r#"Invalid([FieldError { path: ".", message: "missing field `title`" }])"#,
        );
        check(
            r#"["a"]"#,
            r#"Invalid([FieldError { path: ".", message: "must be a JSON object" }])"#,
        );
        for text in ["", "{", "nonsense", "{\"title\": \"a\"} x"] {
            assert!(matches!(
                read_json::<Body>(text.as_bytes()),
                Err(ApiError::UnreadableBody(_))
            ));
        }
        assert!(read_json::<Body>(br#"{"title": "a", "other": 1}"#).is_ok());
    }
}
