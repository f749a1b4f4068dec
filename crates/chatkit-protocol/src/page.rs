//! Pages of lists.

use serde::{Deserialize, Serialize};

use crate::wire::or_default;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries, in the requested order.
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    /// Whether more entries follow.
    #[serde(default, deserialize_with = "or_default")]
    pub has_more: bool,
    /// The id of the last entry. The next page starts after it. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            has_more: false,
            after: None,
        }
    }
}

/// The order of a list, by time of creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}
