//! The agent's part of the settings.

use chatkit_agent::AgentSettings;

use crate::config::Settings;

/// The settings of an agent whose default model is `model`.
pub(crate) fn agent_settings(settings: &Settings, model: String) -> anyhow::Result<AgentSettings> {
    Ok(AgentSettings {
        model,
        instructions: settings.instructions.read()?,
        max_runs_per_user: settings.max_runs_per_user,
        max_runs: settings.max_runs as usize,
        context_messages: settings.context_messages,
        context_chars: settings.context_chars,
        max_tool_rounds: settings.max_tool_rounds,
        max_tool_result_chars: settings.max_tool_result_chars,
        tool_timeout: settings.tool_timeout,
        model_timeout: settings.model_timeout,
        run_timeout: settings.run_timeout,
        max_answer_chars: settings.max_answer_chars,
        run_lease: settings.run_lease,
        deleted_ttl: settings.deleted_ttl,
    })
}
