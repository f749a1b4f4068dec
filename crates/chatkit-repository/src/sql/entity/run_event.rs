use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub last: i64,
    pub first: i64,
    /// The answer to which the text belongs.
    pub message_id: Uuid,
    pub events: String,
}

impl ActiveModelBehavior for ActiveModel {}
