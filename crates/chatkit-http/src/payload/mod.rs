//! Payloads and small types that describe in the contract exactly the JSON on the wire.

mod json;
mod nullable;
mod values;

pub(crate) use self::{
    json::Json,
    nullable::{Nullable, present},
    values::{ConversationRef, JsonObject, JsonValue, Timestamp},
};
