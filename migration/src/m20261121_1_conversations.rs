//! Conversations and their items.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_1_conversations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(conversations()).await?;
        manager.create_table(messages()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["messages", "conversations"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn conversations() -> TableCreateStatement {
    Table::create()
        .table("conversations")
        .col(ColumnDef::new("id").uuid().not_null().primary_key())
        .col(ColumnDef::new("user_id").text().not_null())
        .col(ColumnDef::new("title").text().not_null())
        .col(ColumnDef::new("title_is_default").boolean().not_null())
        .col(ColumnDef::new("search_title").text().not_null())
        .col(ColumnDef::new("metadata").json_binary())
        .col(ColumnDef::new("last_sequence").big_integer().not_null())
        .col(ColumnDef::new("message_count").big_integer().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("last_item_at").timestamp_with_time_zone())
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
        .col(ColumnDef::new("deleted_at").timestamp_with_time_zone())
        .to_owned()
}

fn messages() -> TableCreateStatement {
    Table::create()
        .table("messages")
        .col(ColumnDef::new("id").uuid().not_null().primary_key())
        .col(ColumnDef::new("conversation_id").uuid().not_null())
        .col(ColumnDef::new("sequence_number").big_integer().not_null())
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("role").text())
        .col(ColumnDef::new("content").text().not_null())
        .col(ColumnDef::new("body").json_binary())
        .col(ColumnDef::new("search_text").text())
        .col(ColumnDef::new("status").text().not_null())
        .col(ColumnDef::new("run_id").uuid())
        .col(ColumnDef::new("model").text())
        .col(ColumnDef::new("tokens_used").big_integer())
        .col(ColumnDef::new("feedback").text())
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        // Tool calls are read only for messages that have some.
        .col(
            ColumnDef::new("has_tool_calls")
                .boolean()
                .not_null()
                .default(false),
        )
        .col(ColumnDef::new("removed_at").timestamp_with_time_zone())
        // The run that answers again. If it fails, it restores the items that it removed.
        .col(ColumnDef::new("removed_by").uuid())
        .check(
            Expr::col("kind")
                .ne("message")
                .or(Expr::col("role").is_in(["user", "assistant"])),
        )
        .check(Expr::col("status").is_in(["completed", "incomplete"]))
        .check(
            Expr::col("feedback")
                .is_null()
                .or(Expr::col("feedback").is_in(["positive", "negative"])),
        )
        .foreign_key(
            ForeignKey::create()
                .name("messages_conversation")
                .from("messages", "conversation_id")
                .to("conversations", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 4] {
    [
        Index::create()
            .name("conversations_by_update")
            .table("conversations")
            .col("user_id")
            .col(("updated_at", IndexOrder::Desc))
            .col(("id", IndexOrder::Desc))
            .and_where(Expr::col("deleted_at").is_null())
            .to_owned(),
        Index::create()
            .name("conversations_deleted")
            .table("conversations")
            .col("deleted_at")
            .and_where(Expr::col("deleted_at").is_not_null())
            .to_owned(),
        Index::create()
            .name("messages_in_order")
            .table("messages")
            .col("conversation_id")
            .col("sequence_number")
            .unique()
            .to_owned(),
        // Within a conversation, `created_at` grows with `sequence_number`. With this index, a page
        // "since a time" finds its start without reading earlier messages.
        Index::create()
            .name("messages_by_time")
            .table("messages")
            .col("conversation_id")
            .col("created_at")
            .to_owned(),
    ]
}
