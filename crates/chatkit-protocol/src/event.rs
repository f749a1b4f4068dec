//! The events of a response stream.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Thread, ThreadItem, ThreadItemUpdate, wire::or_default};

/// An event of a response stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ThreadStreamEvent {
    /// The server created a thread.
    #[serde(rename = "thread.created")]
    ThreadCreated {
        /// The new thread.
        thread: Thread,
    },
    /// A member of the thread changed. The event does not contain the items.
    #[serde(rename = "thread.updated")]
    ThreadUpdated {
        /// The changed thread, without items.
        thread: Thread,
    },
    /// The server added an item that will still change.
    #[serde(rename = "thread.item.added")]
    ItemAdded {
        /// The item so far.
        item: ThreadItem,
    },
    /// An item changed.
    #[serde(rename = "thread.item.updated")]
    ItemUpdated {
        /// The id of the changed item.
        item_id: String,
        /// The change.
        update: ThreadItemUpdate,
    },
    /// An item is complete and stored.
    #[serde(rename = "thread.item.done")]
    ItemDone {
        /// The complete item.
        item: ThreadItem,
    },
    /// An item was removed.
    #[serde(rename = "thread.item.removed")]
    ItemRemoved {
        /// The id of the removed item.
        item_id: String,
    },
    /// Another item replaced an item and has the same id.
    #[serde(rename = "thread.item.replaced")]
    ItemReplaced {
        /// The new item.
        item: ThreadItem,
    },
    /// The controls that the client may offer for this stream.
    #[serde(rename = "stream_options")]
    StreamOptions {
        /// The options.
        stream_options: StreamOptions,
    },
    /// The current activity of the assistant. Never stored.
    #[serde(rename = "progress_update")]
    ProgressUpdate {
        /// The activity, for the user.
        text: String,
        /// The name of an icon to show before the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
    },
    /// A task for the host application. Never stored.
    #[serde(rename = "client_effect")]
    ClientEffect {
        /// The name of the effect.
        name: String,
        /// The data that the host application receives.
        #[serde(default, deserialize_with = "or_default")]
        data: Map<String, Value>,
    },
    /// A notice to the user. Never stored.
    #[serde(rename = "notice")]
    Notice {
        /// The severity of the notice.
        level: NoticeLevel,
        /// The notice, in Markdown.
        message: String,
        /// The title of the notice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// The turn failed.
    #[serde(rename = "error")]
    Error {
        /// The error code. Clients show the message of `custom` and their own text for
        /// `stream.error`. Other codes are allowed.
        #[serde(default = "custom")]
        code: String,
        /// The error message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether the client offers to retry.
        #[serde(default, deserialize_with = "or_default")]
        allow_retry: bool,
    },
}

fn custom() -> String {
    "custom".to_owned()
}

/// The controls that a client may offer for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether the client offers to stop the stream.
    pub allow_cancel: bool,
}

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// A piece of information.
    Info,
    /// A warning.
    Warning,
    /// A serious problem.
    Danger,
}
