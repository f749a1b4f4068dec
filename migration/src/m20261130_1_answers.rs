//! Adds columns for unfinished answers, reasoning, and replayed tool calls. Older versions ignore
//! the new columns.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_1_answers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column per statement.
        for (table, mut column) in columns() {
            let add = Table::alter()
                .table(table)
                .add_column(&mut column)
                .to_owned();
            manager.alter_table(add).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            let name = column.get_column_name();
            let drop = Table::alter().table(table).drop_column(name).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}

fn columns() -> [(&'static str, ColumnDef); 8] {
    let column = ColumnDef::new;
    [
        ("messages", column("incomplete_reason").text().to_owned()),
        ("messages", column("reasoning").text().to_owned()),
        (
            "messages",
            column("is_withheld")
                .boolean()
                .not_null()
                .default(false)
                .to_owned(),
        ),
        ("runs", column("cached_tokens").big_integer().to_owned()),
        ("runs", column("window_start").big_integer().to_owned()),
        ("tool_calls", column("raw_input").text().to_owned()),
        (
            "tool_calls",
            column("content_offset").big_integer().to_owned(),
        ),
        ("tool_calls", column("provider_data").text().to_owned()),
    ]
}
