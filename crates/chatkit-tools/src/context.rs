//! The context of a tool call.

use std::sync::Arc;

use chatkit_domain::{Caller, Clock, RunId};
use tokio_util::sync::CancellationToken;

/// The context of a tool call, in addition to its arguments.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The user on whose behalf the tool acts. Never taken from the model's arguments.
    pub caller: Caller,
    /// The run that called the tool.
    pub run_id: RunId,
    /// Cancelled when the run is stopped. The call's future is dropped then too, so only work
    /// outside of this future needs the token.
    pub cancellation: CancellationToken,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
}
