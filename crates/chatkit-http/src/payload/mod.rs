//! Payloads and small types that describe in the contract exactly the JSON on the wire.

mod json;
pub(crate) mod named;
mod nullable;
mod values;

pub(crate) use self::{
    json::Json,
    named::{Named, publish},
    nullable::{Nullable, present},
    values::{ConversationRef, JsonObject, JsonValue, ProviderName, Timestamp},
};
