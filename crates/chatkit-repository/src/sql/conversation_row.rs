//! Converts between rows of conversations and the conversations of the domain.

use chatkit_domain::{
    Conversation, ConversationId, ConversationStatus, RepositoryError, Title, UserId,
};
use chrono::{DateTime, Utc};
use sea_orm::{DerivePartialModel, prelude::Json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{entity::conversation, error::corrupt, natural};

/// The columns that callers see. Reads decode only these, because each column of each row of a
/// list costs time.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "conversation::Entity")]
pub(super) struct ConversationRow {
    id: Uuid,
    user_id: String,
    title: String,
    title_is_default: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    message_count: i64,
    metadata: Option<Json>,
    display: Option<Json>,
}

impl TryFrom<ConversationRow> for Conversation {
    type Error = RepositoryError;

    fn try_from(row: ConversationRow) -> Result<Self, RepositoryError> {
        let ConversationRow {
            id,
            user_id,
            title,
            title_is_default,
            created_at,
            updated_at,
            message_count,
            metadata,
            display,
        } = row;
        let display: DisplayColumn = display.map(column_of).transpose()?.unwrap_or_default();
        Ok(Self {
            id: ConversationId::new(id),
            user_id: UserId::parse(user_id).map_err(|_| corrupt("an invalid user id"))?,
            title: Title::from_storage(title),
            title_is_default,
            created_at,
            updated_at,
            message_count: natural(message_count),
            status: display.status.into(),
            image_domains: display.image_domains,
            metadata: metadata.map(column_of).transpose()?.unwrap_or_default(),
        })
    }
}

impl TryFrom<conversation::Model> for Conversation {
    type Error = RepositoryError;

    fn try_from(row: conversation::Model) -> Result<Self, RepositoryError> {
        let conversation::Model {
            id,
            user_id,
            title,
            title_is_default,
            search_title: _,
            metadata,
            display,
            last_sequence: _,
            message_count,
            revision: _,
            last_item_at: _,
            created_at,
            updated_at,
            deleted_at: _,
        } = row;
        Self::try_from(ConversationRow {
            id,
            user_id,
            title,
            title_is_default,
            created_at,
            updated_at,
            message_count,
            metadata,
            display,
        })
    }
}

/// The column `display`, with settings that most conversations leave at their defaults.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct DisplayColumn {
    #[serde(default)]
    pub(super) status: StoredStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) image_domains: Option<Vec<String>>,
}

/// The stored form of a [`ConversationStatus`].
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredStatus {
    #[default]
    Active,
    Locked {
        reason: Option<String>,
    },
    Closed {
        reason: Option<String>,
    },
}

impl From<StoredStatus> for ConversationStatus {
    fn from(status: StoredStatus) -> Self {
        match status {
            StoredStatus::Active => Self::Active,
            StoredStatus::Locked { reason } => Self::Locked { reason },
            StoredStatus::Closed { reason } => Self::Closed { reason },
        }
    }
}

impl From<ConversationStatus> for StoredStatus {
    fn from(status: ConversationStatus) -> Self {
        match status {
            ConversationStatus::Active => Self::Active,
            ConversationStatus::Locked { reason } => Self::Locked { reason },
            ConversationStatus::Closed { reason } => Self::Closed { reason },
        }
    }
}

pub(super) fn column_of<T: DeserializeOwned>(json: Json) -> Result<T, RepositoryError> {
    serde_json::from_value(json).map_err(|_| corrupt("an unreadable column of a conversation"))
}
