//! Conversations on the wire.

use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    contract::examples::{example_id, example_time},
    payload::{Nullable, Timestamp},
};

/// A conversation of one user with the assistant.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct Conversation {
    /// The id. All protocols of the server use the same one.
    pub(crate) id: Uuid,
    /// The id of the user.
    pub(crate) user_id: String,
    /// The title: 1 to 200 characters.
    pub(crate) title: String,
    /// The time of creation.
    pub(crate) created_at: Timestamp,
    /// The time of the last new message or change of the title.
    pub(crate) updated_at: Timestamp,
    /// The number of messages in the history.
    pub(crate) message_count: u64,
}

impl Example for Conversation {
    fn example() -> Self {
        Self {
            id: example_id(1),
            user_id: "user_42".to_owned(),
            title: "Groceries for the weekend".to_owned(),
            created_at: example_time(0),
            updated_at: example_time(60),
            message_count: 2,
        }
    }
}

impl From<chatkit_domain::Conversation> for Conversation {
    fn from(conversation: chatkit_domain::Conversation) -> Self {
        let chatkit_domain::Conversation {
            id,
            user_id,
            title,
            title_is_default: _,
            created_at,
            updated_at,
            message_count,
            status: _,
            image_domains: _,
            metadata: _,
        } = conversation;
        Self {
            id: id.uuid(),
            user_id: user_id.as_str().to_owned(),
            title: title.as_str().to_owned(),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            message_count,
        }
    }
}

/// A page of conversations. The latest `updated_at` comes first.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct ConversationList {
    /// The conversations of this page.
    pub(crate) conversations: Vec<Conversation>,
    /// The `cursor` of the next page; null on the last page.
    pub(crate) next_cursor: Nullable<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}

impl Example for ConversationList {
    fn example() -> Self {
        Self {
            conversations: vec![Conversation::example()],
            next_cursor: None.into(),
            has_more: false,
        }
    }
}

/// A conversation to create.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct CreateConversation {
    /// The title. Without one, the first message becomes the title.
    #[oai(
        nullable,
        validator(
            min_length = 1,
            max_length = 200,
            pattern = r"^[^\u0000]*\S[^\u0000]*$"
        ),
        skip_serializing_if_is_none
    )]
    pub(crate) title: Option<String>,
}

impl Example for CreateConversation {
    fn example() -> Self {
        Self {
            title: Some("Groceries for the weekend".to_owned()),
        }
    }
}

/// A change of a conversation.
#[derive(Debug, Deserialize, Serialize, Object)]
#[oai(example)]
pub(crate) struct UpdateConversation {
    /// The new title.
    #[oai(validator(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000]*\S[^\u0000]*$"
    ))]
    pub(crate) title: String,
}

impl Example for UpdateConversation {
    fn example() -> Self {
        Self {
            title: "Party on Saturday".to_owned(),
        }
    }
}
