//! What a tool knows about the call.

use std::sync::Arc;

use chatkit_domain::{Caller, Clock, RunId};
use tokio_util::sync::CancellationToken;

/// What a tool knows about the call besides its arguments.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// In whose name it acts. Never taken from the model's arguments.
    pub caller: Caller,
    /// The run that it is part of.
    pub run_id: RunId,
    /// Cancelled when the run is stopped. The call's future is dropped then too; a tool that has
    /// started work elsewhere can stop it by this.
    pub cancellation: CancellationToken,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
