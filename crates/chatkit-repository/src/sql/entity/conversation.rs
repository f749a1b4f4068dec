use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: String,
    pub title: String,
    pub title_is_default: bool,
    pub search_title: String,
    pub metadata: Option<Json>,
    /// The display settings that differ from the defaults.
    pub display: Option<Json>,
    pub last_sequence: i64,
    pub message_count: i64,
    pub revision: i64,
    pub last_item_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
