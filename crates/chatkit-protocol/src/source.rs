//! The sources that an answer cites.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::or_default;

/// A citation of a source in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// The wire value is always `annotation`.
    #[serde(default, rename = "type")]
    pub tag: AnnotationTag,
    /// The cited source.
    pub source: Source,
    /// The number of characters of the text that precede the citation. Clients group citations with
    /// the same index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<i64>,
}

/// The `type` of an annotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationTag {
    /// The only value.
    #[default]
    Annotation,
}

/// The members that all sources share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDetails {
    /// The title of the source.
    pub title: String,
    /// A description for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The date of the source, in any format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The group in which clients list the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A source that an answer cites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source {
    /// A web page.
    Url {
        /// The address of the page.
        url: String,
        /// The author or publisher.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribution: Option<String>,
        /// The members that all sources share.
        #[serde(flatten)]
        details: SourceDetails,
    },
    /// A file.
    File {
        /// The name of the file.
        filename: String,
        /// The members that all sources share.
        #[serde(flatten)]
        details: SourceDetails,
    },
    /// An entity of the host application.
    Entity {
        /// The id of the entity in the host application.
        id: String,
        /// The name of an icon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        /// The label in the list of sources.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// The label in the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inline_label: Option<String>,
        /// Whether the user can click the entity.
        #[serde(default, deserialize_with = "or_default")]
        interactive: bool,
        /// Data that the client passes to the host application on a click.
        #[serde(default, deserialize_with = "or_default")]
        data: Map<String, Value>,
        /// Deprecated. Clients ignore it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preview: Option<String>,
        /// The members that all sources share.
        #[serde(flatten)]
        details: SourceDetails,
    },
}

/// A web page, as the only kind of source that a list allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "url")]
pub struct UrlSource {
    /// The address of the page.
    pub url: String,
    /// The author or publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// The members that all sources share.
    #[serde(flatten)]
    pub details: SourceDetails,
}

/// A file, as the only kind of source that a list allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "file")]
pub struct FileSource {
    /// The name of the file.
    pub filename: String,
    /// The members that all sources share.
    #[serde(flatten)]
    pub details: SourceDetails,
}
