//! Files that the user attaches to messages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::or_default;

/// A file that the user attaches to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The id of the file.
    pub id: String,
    /// The name that the user sees.
    pub name: String,
    /// The media type.
    pub mime_type: String,
    /// The upload target. Absent after the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_descriptor: Option<UploadDescriptor>,
    /// The id of the thread to which the file was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The kind of the file.
    #[serde(flatten)]
    pub kind: AttachmentKind,
}

/// The kind of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttachmentKind {
    /// Any file that is not an image.
    File,
    /// An image.
    Image {
        /// The address of a preview. The browser loads it without credentials.
        preview_url: String,
    },
}

/// An upload request for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadDescriptor {
    /// An absolute URL.
    pub url: String,
    /// The HTTP method, which also determines the format of the body.
    pub method: UploadMethod,
    /// The headers to send with the upload.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: BTreeMap<String, String>,
}

/// The method of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UploadMethod {
    /// A multipart form with one field, `file`.
    Post,
    /// The raw bytes.
    Put,
}
