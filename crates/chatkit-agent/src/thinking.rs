//! What a model thinks before it goes on, which is an item of its own.

use std::time::Instant;

use chatkit_domain::{ItemId, RepositoryError, RunEvent};
use chatkit_protocol::{
    ItemKind, StatusIndicator, Summary, Task, TaskKind, Workflow, WorkflowKind,
};

use crate::emitter::Emitter;

/// A thought under way.
#[derive(Debug)]
pub(crate) struct Thinking {
    /// The item as which it is shown.
    id: ItemId,
    /// The answer that it belongs to.
    message_id: ItemId,
    text: String,
    since: Instant,
}

impl Thinking {
    pub(crate) fn new(id: ItemId, message_id: ItemId) -> Self {
        Self {
            id,
            message_id,
            text: String::new(),
            since: Instant::now(),
        }
    }

    /// Adds a piece, and returns the event to emit. `starts_another` as in
    /// [`RunEvent::ReasoningDelta`].
    pub(crate) fn add(&mut self, text: String, starts_another: bool) -> RunEvent {
        self.text.push_str(&text);
        RunEvent::ReasoningDelta {
            message_id: self.message_id,
            item_id: self.id,
            text,
            starts_another,
        }
    }

    /// Keeps it as it is now, if that can be done at once.
    ///
    /// # Errors
    /// As of [`Emitter::emit_dispensable`].
    pub(crate) async fn done(self, emitter: &Emitter<'_>) -> Result<(), RepositoryError> {
        let duration = i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX);
        let thought = Task {
            status_indicator: StatusIndicator::None,
            title: None,
            kind: TaskKind::Thought { content: self.text },
        };
        let workflow = Workflow {
            kind: WorkflowKind::Reasoning,
            tasks: vec![thought],
            summary: Some(Summary::Duration { duration }),
            expanded: false,
        };
        emitter
            .emit_dispensable(self.id, ItemKind::Workflow { workflow })
            .await
    }
}
