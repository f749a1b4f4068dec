//! Stored run events, which followers read while they are recent.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_4_run_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(run_events()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::drop().table("run_events").to_owned();
        manager.drop_table(table).await
    }
}

/// Each row holds all events of a run that were written together. Readers start after a number, so
/// the key contains the number of the last event.
fn run_events() -> TableCreateStatement {
    Table::create()
        .table("run_events")
        .col(ColumnDef::new("run_id").uuid().not_null())
        .col(ColumnDef::new("last").big_integer().not_null())
        .col(ColumnDef::new("first").big_integer().not_null())
        .col(ColumnDef::new("message_id").uuid().not_null())
        // JSON text, because no query searches in it.
        .col(ColumnDef::new("events").text().not_null())
        .primary_key(Index::create().col("run_id").col("last"))
        .foreign_key(
            ForeignKey::create()
                .name("run_events_run")
                .from("run_events", "run_id")
                .to("runs", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
