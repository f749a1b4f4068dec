//! An index for lists in order of creation, which ChatKit clients request.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_5_threads"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_creation = Index::create()
            .name("conversations_by_creation")
            .table("conversations")
            .col("user_id")
            .col(("created_at", IndexOrder::Desc))
            .col(("id", IndexOrder::Desc))
            .and_where(Expr::col("deleted_at").is_null())
            .to_owned();
        manager.create_index(by_creation).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_creation = Index::drop()
            .name("conversations_by_creation")
            .table("conversations")
            .to_owned();
        manager.drop_index(by_creation).await
    }
}
