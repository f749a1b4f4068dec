//! Writers for items that change during a turn. If a writer is dropped before its item is done,
//! clients show the item until they read the thread again. The item is stored only if it is a
//! message and the turn is stopped or interrupted.

use chatkit_domain::{ItemId, ItemState};
use chatkit_protocol::{
    Annotation, GeneratedImage, ItemKind, OutputText, Summary, Task, ThreadItemUpdate as Update,
    Widget, Workflow, WorkflowKind, widget::diff,
};
use tokio::time::Instant;

use super::{emitter::Emitter, error::TurnError};

/// An item that is being written.
#[derive(Debug)]
struct Draft<'a> {
    emitter: &'a Emitter<'a>,
    id: ItemId,
}

impl<'a> Draft<'a> {
    fn new(emitter: &'a Emitter<'a>) -> Self {
        let id = emitter.core.clock.id();
        Self { emitter, id }
    }

    fn add(&self, kind: ItemKind) {
        let added = self.emitter.add(ItemState {
            id: self.id,
            created_at: self.emitter.core.clock.now(),
            kind,
        });
        report(added);
    }

    fn update(&self, update: Update) {
        report(self.emitter.update(self.id, update));
    }

    async fn done(self, kind: ItemKind) -> Result<(), TurnError> {
        self.emitter.finish(self.id, kind).await
    }

    async fn remove(self) -> Result<(), TurnError> {
        self.emitter.remove(self.id).await
    }
}

fn report(emitted: Result<(), TurnError>) {
    if let Err(error) = emitted {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not emit an event"
        );
    }
}

/// Writes a message piece by piece. A message has one or more parts. Texts and annotations belong
/// to the newest part. The first of them starts a part.
#[derive(Debug)]
#[must_use = "an item is stored when it is done"]
pub struct MessageWriter<'a> {
    draft: Draft<'a>,
    parts: Vec<OutputText>,
    /// Whether the newest part is open.
    is_open: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn start(emitter: &'a Emitter<'a>) -> Self {
        let content = Vec::new();
        let draft = Draft::new(emitter);
        draft.add(ItemKind::AssistantMessage { content });
        Self {
            draft,
            parts: Vec::new(),
            is_open: false,
        }
    }

    /// Returns the item's id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Ends the open part, and starts another one.
    pub fn part(&mut self) {
        self.end_part();
        self.draft.update(Update::ContentPartAdded {
            content_index: self.parts.len() as u64,
            content: OutputText::default(),
        });
        self.parts.push(OutputText::default());
        self.is_open = true;
    }

    /// Appends text (Markdown).
    pub fn text(&mut self, delta: impl Into<String>) {
        let delta = delta.into();
        let (content_index, part) = self.newest();
        part.text.push_str(&delta);
        self.draft.update(Update::TextDelta {
            content_index,
            delta,
        });
    }

    /// Cites a source in the open part.
    pub fn annotate(&mut self, annotation: Annotation) {
        let (content_index, part) = self.newest();
        let annotation_index = part.annotations.len() as u64;
        part.annotations.push(annotation.clone());
        self.draft.update(Update::AnnotationAdded {
            content_index,
            annotation_index,
            annotation: Box::new(annotation),
        });
    }

    /// Ends the open part, if there is one.
    pub fn end_part(&mut self) {
        if let Some(part) = self.parts.last().filter(|_| self.is_open) {
            self.draft.update(Update::ContentPartDone {
                content_index: self.parts.len() as u64 - 1,
                content: part.clone(),
            });
            self.is_open = false;
        }
    }

    /// Stores the complete item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn done(mut self) -> Result<(), TurnError> {
        self.end_part();
        let content = self.parts;
        self.draft
            .done(ItemKind::AssistantMessage { content })
            .await
    }

    /// Removes the item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn remove(self) -> Result<(), TurnError> {
        self.draft.remove().await
    }

    fn newest(&mut self) -> (u64, &mut OutputText) {
        if !self.is_open {
            self.part();
        }
        let index = self.parts.len() - 1;
        (index as u64, &mut self.parts[index])
    }
}

/// Shows a widget that changes. Emits only the added text if a `Text` or `Markdown` with an `id`
/// grows, and the whole widget otherwise.
#[derive(Debug)]
#[must_use = "an item is stored when it is done"]
pub struct WidgetWriter<'a> {
    draft: Draft<'a>,
    widget: Widget,
    copy_text: Option<String>,
}

impl<'a> WidgetWriter<'a> {
    pub(super) fn start(
        emitter: &'a Emitter<'a>,
        widget: Widget,
        copy_text: Option<String>,
    ) -> Self {
        let draft = Draft::new(emitter);
        draft.add(ItemKind::Widget {
            widget: widget.clone(),
            copy_text: copy_text.clone(),
        });
        Self {
            draft,
            widget,
            copy_text,
        }
    }

    /// Returns the item's id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Shows the widget in a new state.
    pub fn update(&mut self, widget: Widget) {
        for update in diff(&self.widget, &widget) {
            self.draft.update(update);
        }
        self.widget = widget;
    }

    /// Stores the complete item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn done(self) -> Result<(), TurnError> {
        let Self {
            draft,
            widget,
            copy_text,
        } = self;
        draft.done(ItemKind::Widget { widget, copy_text }).await
    }

    /// Removes the item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn remove(self) -> Result<(), TurnError> {
        self.draft.remove().await
    }
}

/// Shows a workflow step by step.
#[derive(Debug)]
#[must_use = "an item is stored when it is done"]
pub struct WorkflowWriter<'a> {
    draft: Draft<'a>,
    workflow: Workflow,
    started: Instant,
    is_shown: bool,
}

impl<'a> WorkflowWriter<'a> {
    pub(super) fn start(emitter: &'a Emitter<'a>, workflow: Workflow) -> Self {
        let is_shown = workflow.kind == WorkflowKind::Reasoning;
        let draft = Draft::new(emitter);
        if is_shown {
            draft.add(ItemKind::Workflow {
                workflow: workflow.clone(),
            });
        }
        Self {
            draft,
            workflow,
            started: Instant::now(),
            is_shown,
        }
    }

    /// Returns the item's id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Adds a step. Returns its index.
    pub fn add(&mut self, task: Task) -> usize {
        let place = self.workflow.tasks.len();
        self.workflow.tasks.push(task.clone());
        if self.is_shown {
            let task_index = place as u64;
            self.draft.update(Update::TaskAdded { task_index, task });
        } else {
            self.draft.add(ItemKind::Workflow {
                workflow: self.workflow.clone(),
            });
            self.is_shown = true;
        }
        place
    }

    /// Changes a step. Does nothing if the step does not exist.
    pub fn update(&mut self, place: usize, task: Task) {
        let Some(known) = self.workflow.tasks.get_mut(place) else {
            return;
        };
        known.clone_from(&task);
        let task_index = place as u64;
        self.draft.update(Update::TaskUpdated { task_index, task });
    }

    /// Stores the workflow. If there is no summary, clients show the duration. A custom workflow
    /// without steps is not stored.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn done(self, summary: Option<Summary>) -> Result<(), TurnError> {
        if !self.is_shown {
            return Ok(());
        }
        let duration = i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX);
        let workflow = Workflow {
            summary: summary.or(Some(Summary::Duration { duration })),
            ..self.workflow
        };
        self.draft.done(ItemKind::Workflow { workflow }).await
    }

    /// Removes the item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn remove(self) -> Result<(), TurnError> {
        if !self.is_shown {
            return Ok(());
        }
        self.draft.remove().await
    }
}

/// Shows an image while it is generated.
#[derive(Debug)]
#[must_use = "an item is stored when it is done"]
pub struct ImageWriter<'a> {
    draft: Draft<'a>,
}

impl<'a> ImageWriter<'a> {
    pub(super) fn start(emitter: &'a Emitter<'a>) -> Self {
        let draft = Draft::new(emitter);
        draft.add(ItemKind::GeneratedImage { image: None });
        Self { draft }
    }

    /// Returns the item's id.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Shows the image so far, and the progress from 0 to 1.
    pub fn update(&mut self, image: GeneratedImage, progress: Option<f64>) {
        self.draft.update(Update::ImageUpdated { image, progress });
    }

    /// Stores the complete image.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn done(self, image: GeneratedImage) -> Result<(), TurnError> {
        let image = Some(image);
        self.draft.done(ItemKind::GeneratedImage { image }).await
    }

    /// Removes the item.
    ///
    /// # Errors
    /// [`TurnError`].
    pub async fn remove(self) -> Result<(), TurnError> {
        self.draft.remove().await
    }
}
