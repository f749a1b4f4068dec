//! The parts of an agent that its modules share.

use std::sync::Arc;

use chatkit_domain::{Clock, Repositories};
use chatkit_tools::{ToolDefinition, ToolRegistry};
use tokio_util::sync::CancellationToken;

use crate::{
    log::{feed::Feed, journal::Journal},
    provider::Provider,
    settings::AgentSettings,
};

/// The shared parts of an agent.
#[derive(Debug)]
pub(crate) struct AgentCore {
    pub(crate) settings: AgentSettings,
    pub(crate) repositories: Repositories,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) tools: ToolRegistry,
    /// The definitions of the tools for the model.
    pub(crate) definitions: Arc<[ToolDefinition]>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) feed: Arc<Feed>,
    /// Cancelled when the process stops accepting runs.
    pub(crate) draining: CancellationToken,
}
