//! Converts between rows of runs and the runs of the domain.

use chatkit_domain::{
    ConversationId, Dialect, ItemId, RepositoryError, Run, RunError, RunErrorCode, RunId,
    RunStatus, ToolCall, Usage,
};

use super::{
    entity::{run, tool_call as tool_call_entity},
    error::corrupt,
    natural,
};

/// Converts a run and its tool calls.
pub(crate) fn to_run(
    row: run::Model,
    calls: Vec<tool_call_entity::Model>,
) -> Result<Run, RepositoryError> {
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
    let calls: Result<_, _> = calls.into_iter().map(ToolCall::try_from).collect();
    Ok(Run {
        id: RunId::new(id),
        conversation_id: ConversationId::new(conversation_id),
        dialect: Dialect::parse(&dialect).ok_or_else(|| corrupt("an unknown dialect"))?,
        status: RunStatus::parse(&status).ok_or_else(|| corrupt("an unknown run status"))?,
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
                // Only a newer version writes an unknown code. Clients see it as an internal error.
                code: RunErrorCode::parse(&code).unwrap_or(RunErrorCode::Internal),
                message,
            }),
        tool_calls: calls?,
        created_at,
        started_at,
        ended_at,
    })
}
