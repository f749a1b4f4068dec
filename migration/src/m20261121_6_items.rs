//! Items other than messages, and display settings of conversations.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_6_items"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let display = Table::alter()
            .table("conversations")
            .add_column(ColumnDef::new("display").json_binary())
            .to_owned();
        manager.alter_table(display).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An older version cannot read these items.
        let shown = Query::delete()
            .from_table("messages")
            .and_where(Expr::col("kind").is_not_in(["message", "hidden_context"]))
            .to_owned();
        manager.execute(shown).await?;
        let display = Table::alter()
            .table("conversations")
            .drop_column("display")
            .to_owned();
        manager.alter_table(display).await
    }
}
