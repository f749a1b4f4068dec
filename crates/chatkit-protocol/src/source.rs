//! Where an answer has its facts from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::or_default;

/// A mark in a text that names a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Always `annotation`.
    #[serde(default, rename = "type")]
    pub tag: AnnotationTag,
    /// The source.
    pub source: Source,
    /// Behind which character of the text it stands; those of one place form a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<i64>,
}

/// The type of annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationTag {
    /// The only one.
    #[default]
    Annotation,
}

/// What every source can say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDetails {
    /// Its title.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it is from, in any form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The group that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Where an answer has a fact from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source {
    /// A page.
    Url {
        /// Its address.
        url: String,
        /// Who wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribution: Option<String>,
        /// What it is.
        #[serde(flatten)]
        details: SourceDetails,
    },
    /// A file.
    File {
        /// Its name.
        filename: String,
        /// What it is.
        #[serde(flatten)]
        details: SourceDetails,
    },
    /// Something that the host application knows.
    Entity {
        /// Its id there.
        id: String,
        /// Its icon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        /// What it is called in the list of sources.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// What it is called in the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inline_label: Option<String>,
        /// Whether it can be clicked.
        #[serde(default, deserialize_with = "or_default")]
        interactive: bool,
        /// What the host application wants back when it is.
        #[serde(default, deserialize_with = "or_default")]
        data: Map<String, Value>,
        /// Of old; clients ignore it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preview: Option<String>,
        /// What it is.
        #[serde(flatten)]
        details: SourceDetails,
    },
}

/// A page, where nothing else can stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "url")]
pub struct UrlSource {
    /// Its address.
    pub url: String,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub details: SourceDetails,
}

/// A file, where nothing else can stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "file")]
pub struct FileSource {
    /// Its name.
    pub filename: String,
    /// What it is.
    #[serde(flatten)]
    pub details: SourceDetails,
}
