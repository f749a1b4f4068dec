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
    text: String,
    since: Instant,
}

impl Thinking {
    pub(crate) fn new(id: ItemId) -> Self {
        Self {
            id,
            text: String::new(),
            since: Instant::now(),
        }
    }

    /// More of it, as it is told.
    pub(crate) fn add(&mut self, text: String) -> RunEvent {
        self.text.push_str(&text);
        let item_id = self.id;
        RunEvent::ReasoningDelta { item_id, text }
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
