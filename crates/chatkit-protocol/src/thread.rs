//! Threads.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Page, ThreadItem, wire::or_default};

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Its id.
    pub id: String,
    /// Its title, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When it was created, in ISO 8601.
    pub created_at: String,
    /// Whether the user may go on with it.
    #[serde(default, deserialize_with = "or_default")]
    pub status: ThreadStatus,
    /// The domains of which images in answers are shown; all, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_image_domains: Option<Vec<String>>,
    /// Always empty on the wire: what a server keeps with a thread is its own.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
    /// Its first items, where they are asked for; empty elsewhere.
    #[serde(default, deserialize_with = "or_default")]
    pub items: Page<ThreadItem>,
}

/// Whether the user may go on with a thread. Clients disable the composer where not; servers need
/// not refuse messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadStatus {
    /// Yes.
    #[default]
    Active,
    /// Not now.
    Locked {
        /// Why, for the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Not any more.
    Closed {
        /// Why, for the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
