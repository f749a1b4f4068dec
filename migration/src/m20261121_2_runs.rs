//! Runs and their tool calls.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_2_runs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(runs()).await?;
        manager.create_table(tool_calls()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["tool_calls", "runs"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

const ACTIVE: [&str; 3] = ["queued", "running", "awaiting_approval"];

fn runs() -> TableCreateStatement {
    Table::create()
        .table("runs")
        .col(ColumnDef::new("id").uuid().not_null().primary_key())
        .col(ColumnDef::new("conversation_id").uuid().not_null())
        .col(ColumnDef::new("user_id").text().not_null())
        .col(ColumnDef::new("dialect").text().not_null())
        .col(ColumnDef::new("status").text().not_null())
        .col(ColumnDef::new("model").text())
        .col(ColumnDef::new("input_tokens").big_integer())
        .col(ColumnDef::new("output_tokens").big_integer())
        .col(ColumnDef::new("usage_estimated").boolean())
        .col(ColumnDef::new("error_code").text())
        .col(ColumnDef::new("error_message").text())
        .col(ColumnDef::new("idempotency_key").text())
        .col(ColumnDef::new("fingerprint").text())
        .col(ColumnDef::new("user_message_id").uuid())
        .col(ColumnDef::new("assistant_message_id").uuid())
        .col(ColumnDef::new("state").json_binary())
        // Tool calls are read only for runs that have some.
        .col(
            ColumnDef::new("has_tool_calls")
                .boolean()
                .not_null()
                .default(false),
        )
        .col(ColumnDef::new("last_event").big_integer().not_null())
        .col(ColumnDef::new("lease_owner").uuid())
        .col(ColumnDef::new("lease_expires_at").timestamp_with_time_zone())
        .col(ColumnDef::new("cancel_requested").boolean().not_null())
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .col(ColumnDef::new("started_at").timestamp_with_time_zone())
        .col(ColumnDef::new("ended_at").timestamp_with_time_zone())
        .check(
            Expr::col("status").is_in(ACTIVE.into_iter().chain([
                "completed",
                "failed",
                "cancelled",
            ])),
        )
        .check(
            Expr::col("status")
                .is_in(ACTIVE)
                .or(Expr::col("ended_at").is_not_null()),
        )
        .foreign_key(
            ForeignKey::create()
                .name("runs_conversation")
                .from("runs", "conversation_id")
                .to("conversations", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn tool_calls() -> TableCreateStatement {
    Table::create()
        .table("tool_calls")
        .col(ColumnDef::new("id").uuid().not_null().primary_key())
        .col(ColumnDef::new("run_id").uuid().not_null())
        .col(ColumnDef::new("message_id").uuid())
        .col(ColumnDef::new("round").integer().not_null())
        .col(ColumnDef::new("position").integer().not_null())
        .col(ColumnDef::new("call_id").text().not_null())
        .col(ColumnDef::new("tool_name").text().not_null())
        .col(ColumnDef::new("tool_input").json_binary().not_null())
        .col(ColumnDef::new("tool_input_text").text())
        .col(ColumnDef::new("tool_output").json_binary())
        .col(ColumnDef::new("status").text().not_null())
        .col(ColumnDef::new("error_message").text())
        .col(ColumnDef::new("execution_time_ms").big_integer())
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .col(ColumnDef::new("completed_at").timestamp_with_time_zone())
        .check(Expr::col("status").is_in([
            "awaiting_approval",
            "running",
            "success",
            "error",
            "denied",
            "cancelled",
            "unknown",
        ]))
        .foreign_key(
            ForeignKey::create()
                .name("tool_calls_run")
                .from("tool_calls", "run_id")
                .to("runs", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 7] {
    [
        // Enforces the rule "one active run per conversation". The sweep also uses this index to
        // find running runs. The time of a lease is not indexed, so that extending it touches no
        // index.
        Index::create()
            .name("runs_active")
            .table("runs")
            .col("conversation_id")
            .unique()
            .and_where(Expr::col("status").is_in(ACTIVE))
            .to_owned(),
        Index::create()
            .name("runs_by_conversation")
            .table("runs")
            .col("conversation_id")
            .to_owned(),
        Index::create()
            .name("runs_active_by_user")
            .table("runs")
            .col("user_id")
            .and_where(Expr::col("status").is_in(ACTIVE))
            .to_owned(),
        // Finds the tool calls of failed attempts to answer a message.
        Index::create()
            .name("runs_failed")
            .table("runs")
            .col("user_message_id")
            .and_where(Expr::col("status").eq("failed"))
            .to_owned(),
        Index::create()
            .name("runs_idempotency")
            .table("runs")
            .col("user_id")
            .col("idempotency_key")
            .unique()
            .and_where(Expr::col("idempotency_key").is_not_null())
            .to_owned(),
        Index::create()
            .name("tool_calls_by_run")
            .table("tool_calls")
            .col("run_id")
            .col("round")
            .col("position")
            .unique()
            .to_owned(),
        Index::create()
            .name("tool_calls_by_message")
            .table("tool_calls")
            .col("message_id")
            .and_where(Expr::col("message_id").is_not_null())
            .to_owned(),
    ]
}
