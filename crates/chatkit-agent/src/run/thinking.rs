//! The reasoning that a model shows. Each thought is an item of its own.

use std::time::Instant;

use chatkit_domain::{ItemId, RunEvent};
use chatkit_protocol::{
    ItemKind, StatusIndicator, Summary, Task, TaskKind, Workflow, WorkflowKind,
};

use crate::turn::{emitter::Emitter, error::TurnError};

/// A thought that is not complete yet.
#[derive(Debug)]
pub(crate) struct Thinking {
    /// The id of the item.
    id: ItemId,
    /// The answer to which the thought belongs.
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

    /// Adds a piece, and returns the event to emit. See [`RunEvent::Reasoning`] for
    /// `starts_another`.
    pub(crate) fn add(&mut self, text: String, starts_another: bool) -> RunEvent {
        self.text.push_str(&text);
        RunEvent::Reasoning {
            message: self.message_id,
            item: self.id,
            delta: text,
            starts_another,
        }
    }

    /// Stores the thought, unless the database is unavailable.
    ///
    /// # Errors
    /// The same as [`Emitter::finish_dispensable`].
    pub(crate) async fn done(self, emitter: &Emitter<'_>) -> Result<(), TurnError> {
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
            .finish_dispensable(self.id, ItemKind::Workflow { workflow })
            .await
    }
}
