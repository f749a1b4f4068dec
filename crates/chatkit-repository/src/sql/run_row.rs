//! Between the rows of runs and the runs of the domain.

use chatkit_domain::{
    ConversationId, Dialect, ItemId, Run, RunError, RunErrorCode, RunId, RunStatus, ToolCall, Usage,
};

use super::{
    entity::{run, tool_call as tool_call_entity},
    natural,
};

/// A run with its tool calls.
pub(crate) fn to_run(row: run::Model, calls: Vec<tool_call_entity::Model>) -> Run {
    let run::Model {
        id,
        conversation_id,
        user_id: _,
        dialect,
        status,
        model,
        input_tokens,
        output_tokens,
        cached_tokens,
        usage_estimated,
        error_code,
        error_message,
        idempotency_key: _,
        fingerprint: _,
        user_message_id,
        assistant_message_id,
        state: _,
        window_start: _,
        has_tool_calls: _,
        last_event: _,
        lease_owner: _,
        lease_expires_at: _,
        cancel_requested: _,
        created_at,
        started_at,
        ended_at,
    } = row;
    Run {
        id: RunId::new(id),
        conversation_id: ConversationId::new(conversation_id),
        dialect: dialect_of(dialect),
        status: status_of(status),
        user_message_id: user_message_id.map(ItemId::new),
        assistant_message_id: assistant_message_id.map(ItemId::new),
        model,
        usage: input_tokens
            .zip(output_tokens)
            .map(|(input, output)| Usage {
                input_tokens: natural(input),
                output_tokens: natural(output),
                cached_tokens: cached_tokens.map(natural),
                estimated: usage_estimated.unwrap_or_default(),
            }),
        error: error_code
            .zip(error_message)
            .map(|(code, message)| RunError {
                code: code_of(&code),
                message,
            }),
        tool_calls: calls.into_iter().map(ToolCall::from).collect(),
        created_at,
        started_at,
        ended_at,
    }
}

fn status_of(status: run::Status) -> RunStatus {
    match status {
        run::Status::Queued => RunStatus::Queued,
        run::Status::Running => RunStatus::Running,
        run::Status::AwaitingApproval => RunStatus::AwaitingApproval,
        run::Status::Completed => RunStatus::Completed,
        run::Status::Failed => RunStatus::Failed,
        run::Status::Cancelled => RunStatus::Cancelled,
    }
}

fn dialect_of(dialect: run::Dialect) -> Dialect {
    match dialect {
        run::Dialect::Rest => Dialect::Rest,
        run::Dialect::Chat => Dialect::Chat,
        run::Dialect::Completions => Dialect::Completions,
        run::Dialect::Chatkit => Dialect::ChatKit,
    }
}

/// A code that only a newer version writes is shown as the server's own failure.
fn code_of(code: &str) -> RunErrorCode {
    RunErrorCode::ALL
        .into_iter()
        .find(|known| known.as_str() == code)
        .unwrap_or(RunErrorCode::Internal)
}

pub(crate) fn status_column(status: RunStatus) -> run::Status {
    match status {
        RunStatus::Queued => run::Status::Queued,
        RunStatus::Running => run::Status::Running,
        RunStatus::AwaitingApproval => run::Status::AwaitingApproval,
        RunStatus::Completed => run::Status::Completed,
        RunStatus::Failed => run::Status::Failed,
        RunStatus::Cancelled => run::Status::Cancelled,
    }
}
