//! The agent's part of the settings.

use chatkit_agent::AgentSettings;

use crate::config::Settings;

/// The settings of an agent whose default model is `model`.
pub(crate) fn agent_settings(settings: &Settings, model: String) -> anyhow::Result<AgentSettings> {
    Ok(AgentSettings::new(model)
        .with_instructions(settings.instructions.read()?)
        .with_context_messages(settings.context_messages)
        .with_context_chars(settings.context_chars)
        .with_max_tool_rounds(settings.max_tool_rounds)
        .with_max_tool_result_chars(settings.max_tool_result_chars)
        .with_tool_timeout(settings.tool_timeout)
        .with_model_timeout(settings.model_timeout)
        .with_run_timeout(settings.run_timeout)
        .with_max_answer_chars(settings.max_answer_chars)
        .with_max_runs_per_user(settings.max_runs_per_user)
        .with_max_runs(settings.max_runs as usize)
        .with_run_lease(settings.run_lease)
        .with_deleted_ttl(settings.deleted_ttl))
}
