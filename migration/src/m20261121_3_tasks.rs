//! The task list of the built-in tools.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_3_tasks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(tasks()).await?;
        manager.create_table(task_counters()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["task_counters", "tasks"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn tasks() -> TableCreateStatement {
    Table::create()
        .table("tasks")
        .col(ColumnDef::new("user_id").text().not_null())
        .col(ColumnDef::new("number").big_integer().not_null())
        .primary_key(Index::create().col("user_id").col("number"))
        .col(ColumnDef::new("title").text().not_null())
        .col(ColumnDef::new("description").text())
        .col(ColumnDef::new("completed").boolean().not_null())
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .col(
            ColumnDef::new("updated_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .to_owned()
}

/// The last task number of each user, so that no number is used twice.
fn task_counters() -> TableCreateStatement {
    Table::create()
        .table("task_counters")
        .col(ColumnDef::new("user_id").text().not_null().primary_key())
        .col(ColumnDef::new("last").big_integer().not_null())
        .to_owned()
}
