//! What is told while a turn is answered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Thread, ThreadItem, ThreadItemUpdate, wire::or_default};

/// A step of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ThreadStreamEvent {
    /// The thread is new.
    #[serde(rename = "thread.created")]
    ThreadCreated {
        /// The thread.
        thread: Thread,
    },
    /// The thread has changed; not its items, which are left out.
    #[serde(rename = "thread.updated")]
    ThreadUpdated {
        /// The thread.
        thread: Thread,
    },
    /// An item is there that will still change.
    #[serde(rename = "thread.item.added")]
    ItemAdded {
        /// The item so far.
        item: ThreadItem,
    },
    /// An item has changed.
    #[serde(rename = "thread.item.updated")]
    ItemUpdated {
        /// Which.
        item_id: String,
        /// How.
        update: ThreadItemUpdate,
    },
    /// An item is whole, and stored.
    #[serde(rename = "thread.item.done")]
    ItemDone {
        /// The item.
        item: ThreadItem,
    },
    /// An item is there no more.
    #[serde(rename = "thread.item.removed")]
    ItemRemoved {
        /// Which.
        item_id: String,
    },
    /// An item is another, under the same id.
    #[serde(rename = "thread.item.replaced")]
    ItemReplaced {
        /// The item.
        item: ThreadItem,
    },
    /// What the client may do with this stream.
    #[serde(rename = "stream_options")]
    StreamOptions {
        /// The options.
        stream_options: StreamOptions,
    },
    /// What the assistant does at the moment; never stored.
    #[serde(rename = "progress_update")]
    ProgressUpdate {
        /// What.
        text: String,
        /// An icon before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
    },
    /// Something for the host application to do; never stored.
    #[serde(rename = "client_effect")]
    ClientEffect {
        /// What.
        name: String,
        /// With what.
        #[serde(default, deserialize_with = "or_default")]
        data: Map<String, Value>,
    },
    /// Something for the user to know; never stored.
    #[serde(rename = "notice")]
    Notice {
        /// How grave it is.
        level: NoticeLevel,
        /// What, in Markdown.
        message: String,
        /// A title above it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// The turn has failed.
    #[serde(rename = "error")]
    Error {
        /// `custom`, whose message is shown, `stream.error`, for which clients have words, or
        /// another.
        #[serde(default = "custom")]
        code: String,
        /// What went wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether the client offers to try again.
        #[serde(default, deserialize_with = "or_default")]
        allow_retry: bool,
    },
}

fn custom() -> String {
    "custom".to_owned()
}

/// What a client may do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether it offers to stop it.
    pub allow_cancel: bool,
}

/// How grave a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Better to know.
    Warning,
    /// Must be known.
    Danger,
}
