//! Files of the user's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::or_default;

/// A file of the user's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Its name, as the user knows it.
    pub name: String,
    /// Its media type.
    pub mime_type: String,
    /// Where its bytes go, until they are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_descriptor: Option<UploadDescriptor>,
    /// The thread in which it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: AttachmentKind,
}

/// What an attachment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A file.
    File,
    /// A picture.
    Image {
        /// Where a browser finds it, without credentials.
        preview_url: String,
    },
}

/// How the bytes of an attachment are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadDescriptor {
    /// An absolute URL.
    pub url: String,
    /// The method.
    pub method: UploadMethod,
    /// The headers to send with them.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: BTreeMap<String, String>,
}

/// The method of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UploadMethod {
    /// A form with one field, `file`.
    Post,
    /// The bytes as they are.
    Put,
}
