//! Threads, the conversations of the wire protocol.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Page, ThreadItem, wire::or_default};

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// The id of the thread.
    pub id: String,
    /// The title, as soon as the thread has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The time of creation, in ISO 8601.
    pub created_at: String,
    /// Whether the user may continue the thread.
    #[serde(default, deserialize_with = "or_default")]
    pub status: ThreadStatus,
    /// The domains from which clients show images in answers. Clients show all images if it is
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_image_domains: Option<Vec<String>>,
    /// Always empty on the wire. Servers do not send their own metadata.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
    /// The first items, if the operation returns them. Empty otherwise.
    #[serde(default, deserialize_with = "or_default")]
    pub items: Page<ThreadItem>,
}

/// Whether the user may continue a thread. Clients disable the composer if not. Servers need not
/// reject messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadStatus {
    /// The user may continue the thread.
    #[default]
    Active,
    /// The user cannot write at the moment.
    Locked {
        /// The reason to show to the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The user cannot write any more.
    Closed {
        /// The reason to show to the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
