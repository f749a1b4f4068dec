use sea_orm::entity::prelude::*;

/// The last task number of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task_counters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub last: i64,
}

impl ActiveModelBehavior for ActiveModel {}
