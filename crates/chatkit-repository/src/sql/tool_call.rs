//! The rows of tool calls. Runs write them and messages show them.

use std::collections::HashMap;

use chatkit_domain::{ItemId, RepositoryError, RunId, ToolCall, ToolCallId, ToolCallStatus};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, Set,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Database,
    entity::{message, tool_call},
    error::{corrupt, repository_error},
    natural, stored,
};

impl Database {
    /// Returns the tool calls that these messages show, by message.
    pub(crate) async fn tool_calls_of(
        &self,
        messages: &[message::Model],
    ) -> Result<HashMap<Uuid, Vec<ToolCall>>, RepositoryError> {
        let answers: Vec<Uuid> = messages
            .iter()
            .filter(|message| message.has_tool_calls)
            .map(|message| message.id)
            .collect();
        let mut calls: HashMap<Uuid, Vec<ToolCall>> = HashMap::new();
        if answers.is_empty() {
            return Ok(calls);
        }
        let rows = tool_call::Entity::find()
            .filter(tool_call::Column::MessageId.is_in(answers))
            .order_by_asc(tool_call::Column::RunId)
            .order_by_asc(tool_call::Column::Round)
            .order_by_asc(tool_call::Column::Position)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        for row in rows {
            if let Some(message) = row.message_id {
                calls.entry(message).or_default().push(row.try_into()?);
            }
        }
        Ok(calls)
    }
}

impl Database {
    /// Returns the tool calls of these runs that belong to no answer, by run.
    pub(crate) async fn unanswered_calls_of(
        &self,
        runs: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Vec<ToolCall>>, RepositoryError> {
        let rows = tool_call::Entity::find()
            .filter(tool_call::Column::RunId.is_in(runs))
            .filter(tool_call::Column::MessageId.is_null())
            .order_by_asc(tool_call::Column::RunId)
            .order_by_asc(tool_call::Column::Round)
            .order_by_asc(tool_call::Column::Position)
            .all(&self.reader)
            .await
            .map_err(repository_error)?;
        let mut calls: HashMap<Uuid, Vec<ToolCall>> = HashMap::new();
        for row in rows {
            calls.entry(row.run_id).or_default().push(row.try_into()?);
        }
        Ok(calls)
    }
}

/// Returns the tool calls of a run in the order in which the model made them.
pub(crate) async fn of_run(
    connection: &impl ConnectionTrait,
    run_id: Uuid,
) -> Result<Vec<tool_call::Model>, RepositoryError> {
    tool_call::Entity::find()
        .filter(tool_call::Column::RunId.eq(run_id))
        .order_by_asc(tool_call::Column::Round)
        .order_by_asc(tool_call::Column::Position)
        .all(connection)
        .await
        .map_err(repository_error)
}

/// Finishes the tool calls of a run. Calls that still run get the status `unfinished`, and the
/// answer shows all calls.
pub(crate) async fn settle(
    transaction: &DatabaseTransaction,
    run_id: RunId,
    unfinished: ToolCallStatus,
    message_id: Option<ItemId>,
    now: DateTime<Utc>,
) -> Result<Vec<tool_call::Model>, RepositoryError> {
    let mut calls = of_run(transaction, run_id.uuid()).await?;
    let mut changed = false;
    for call in &mut calls {
        if call.completed_at.is_none() {
            unfinished.as_str().clone_into(&mut call.status);
            call.completed_at = Some(now);
            changed = true;
        }
        if let Some(message_id) = message_id {
            call.message_id = Some(message_id.uuid());
            changed = true;
        }
    }
    if changed {
        let message_id = message_id.map(chatkit_domain::Id::uuid);
        tool_call::Entity::update_many()
            .col_expr(tool_call::Column::MessageId, Expr::value(message_id))
            .filter(tool_call::Column::RunId.eq(run_id.uuid()))
            .exec(transaction)
            .await
            .map_err(repository_error)?;
        let settled = tool_call::ActiveModel {
            status: Set(unfinished.as_str().to_owned()),
            completed_at: Set(Some(now)),
            ..Default::default()
        };
        tool_call::Entity::update_many()
            .set(settled)
            .filter(tool_call::Column::RunId.eq(run_id.uuid()))
            .filter(tool_call::Column::CompletedAt.is_null())
            .exec(transaction)
            .await
            .map_err(repository_error)?;
    }
    Ok(calls)
}

impl From<ToolCall> for tool_call::Model {
    fn from(call: ToolCall) -> Self {
        let ToolCall {
            id,
            run_id,
            message_id,
            round,
            position,
            call_id,
            tool_name,
            arguments,
            arguments_text,
            raw_arguments,
            content_offset,
            provider_data,
            result,
            status,
            error_message,
            execution_time_ms,
            created_at,
            completed_at,
        } = call;
        Self {
            id: id.uuid(),
            run_id: run_id.uuid(),
            message_id: message_id.map(chatkit_domain::Id::uuid),
            round: i32::try_from(round).unwrap_or(i32::MAX),
            position: i32::try_from(position).unwrap_or(i32::MAX),
            call_id,
            tool_name,
            tool_input: Value::Object(arguments),
            tool_input_text: arguments_text,
            raw_input: raw_arguments,
            content_offset: content_offset.map(stored),
            provider_data,
            tool_output: result,
            status: status.as_str().to_owned(),
            error_message,
            execution_time_ms: execution_time_ms.map(stored),
            created_at,
            completed_at,
        }
    }
}

impl TryFrom<tool_call::Model> for ToolCall {
    type Error = RepositoryError;

    fn try_from(row: tool_call::Model) -> Result<Self, RepositoryError> {
        let tool_call::Model {
            id,
            run_id,
            message_id,
            round,
            position,
            call_id,
            tool_name,
            tool_input,
            tool_input_text,
            raw_input,
            content_offset,
            provider_data,
            tool_output,
            status,
            error_message,
            execution_time_ms,
            created_at,
            completed_at,
        } = row;
        Ok(Self {
            id: ToolCallId::new(id),
            run_id: RunId::new(run_id),
            message_id: message_id.map(ItemId::new),
            round: u32::try_from(round).unwrap_or_default(),
            position: u32::try_from(position).unwrap_or_default(),
            call_id,
            tool_name,
            arguments: match tool_input {
                Value::Object(arguments) => arguments,
                _ => serde_json::Map::new(),
            },
            arguments_text: tool_input_text,
            raw_arguments: raw_input,
            content_offset: content_offset.map(natural),
            provider_data,
            result: tool_output,
            status: ToolCallStatus::parse(&status)
                .ok_or_else(|| corrupt("an unknown status of a tool call"))?,
            error_message,
            execution_time_ms: execution_time_ms.map(natural),
            created_at,
            completed_at,
        })
    }
}
