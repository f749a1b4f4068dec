//! Items that change while a turn is answered. One that is dropped before it is done is shown until
//! the thread is read again, and kept only of messages of a turn that is stopped or interrupted.

use chatkit_domain::{ItemId, RepositoryError};
use chatkit_protocol::{
    Annotation, GeneratedImage, ItemKind, OutputText, Summary, Task, ThreadItem,
    ThreadItemUpdate as Update, ThreadStreamEvent as Event, Widget, Workflow, WorkflowKind,
    widget::diff,
};
use tokio::time::Instant;

use crate::emitter::Emitter;

/// An item under way.
#[derive(Debug)]
struct Draft<'a> {
    emitter: &'a Emitter<'a>,
    id: ItemId,
    item: ThreadItem,
}

impl<'a> Draft<'a> {
    fn new(emitter: &'a Emitter<'a>, kind: ItemKind) -> Self {
        let id = emitter.shared.clock.id();
        let item = emitter.item_of(id, kind);
        Self { emitter, id, item }
    }

    fn add(&self) {
        let item = self.item.clone();
        self.emitter.tell(Event::ItemAdded { item });
    }

    fn update(&self, update: Update) {
        let item_id = self.item.id.clone();
        self.emitter.tell(Event::ItemUpdated { item_id, update });
    }

    async fn done(self, kind: ItemKind) -> Result<(), RepositoryError> {
        let item = ThreadItem { kind, ..self.item };
        self.emitter.emit(Event::ItemDone { item }).await
    }

    async fn remove(self) -> Result<(), RepositoryError> {
        let item_id = self.item.id;
        self.emitter.emit(Event::ItemRemoved { item_id }).await
    }
}

/// Says something piece by piece. A message has one part or more; texts and annotations belong to
/// the newest, which begins with the first of them.
#[derive(Debug)]
#[must_use = "what is not done is not kept"]
pub struct MessageWriter<'a> {
    draft: Draft<'a>,
    parts: Vec<OutputText>,
    /// Whether the newest part is open.
    is_open: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn begin(emitter: &'a Emitter<'a>) -> Self {
        let content = Vec::new();
        let draft = Draft::new(emitter, ItemKind::AssistantMessage { content });
        draft.add();
        Self {
            draft,
            parts: Vec::new(),
            is_open: false,
        }
    }

    /// The id that the item has, also when it is done.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Begins a part, behind the one that is open.
    pub fn part(&mut self) {
        self.end_part();
        self.draft.update(Update::ContentPartAdded {
            content_index: self.parts.len() as u64,
            content: OutputText::default(),
        });
        self.parts.push(OutputText::default());
        self.is_open = true;
    }

    /// Says more (Markdown).
    pub fn text(&mut self, delta: impl Into<String>) {
        let delta = delta.into();
        let (content_index, part) = self.newest();
        part.text.push_str(&delta);
        self.draft.update(Update::TextDelta {
            content_index,
            delta,
        });
    }

    /// Names where a fact is from.
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

    /// The open part is whole, if there is one.
    pub fn end_part(&mut self) {
        if let Some(part) = self.parts.last().filter(|_| self.is_open) {
            self.draft.update(Update::ContentPartDone {
                content_index: self.parts.len() as u64 - 1,
                content: part.clone(),
            });
            self.is_open = false;
        }
    }

    /// It is whole.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn done(mut self) -> Result<(), RepositoryError> {
        self.end_part();
        let content = self.parts;
        self.draft
            .done(ItemKind::AssistantMessage { content })
            .await
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn remove(self) -> Result<(), RepositoryError> {
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

/// Shows a widget that changes. Only what has changed is told, where the protocol can say that:
/// text that grows in a `Text` or `Markdown` with an `id`.
#[derive(Debug)]
#[must_use = "what is not done is not kept"]
pub struct WidgetWriter<'a> {
    draft: Draft<'a>,
    widget: Widget,
    copy_text: Option<String>,
}

impl<'a> WidgetWriter<'a> {
    pub(super) fn begin(
        emitter: &'a Emitter<'a>,
        widget: Widget,
        copy_text: Option<String>,
    ) -> Self {
        let kind = ItemKind::Widget {
            widget: widget.clone(),
            copy_text: copy_text.clone(),
        };
        let draft = Draft::new(emitter, kind);
        draft.add();
        Self {
            draft,
            widget,
            copy_text,
        }
    }

    /// The id that the item has, also when it is done.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// What it is now.
    pub fn update(&mut self, widget: Widget) {
        for update in diff(&self.widget, &widget) {
            self.draft.update(update);
        }
        self.widget = widget;
    }

    /// It is whole.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn done(self) -> Result<(), RepositoryError> {
        let Self {
            draft,
            widget,
            copy_text,
        } = self;
        draft.done(ItemKind::Widget { widget, copy_text }).await
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn remove(self) -> Result<(), RepositoryError> {
        self.draft.remove().await
    }
}

/// Shows steps.
#[derive(Debug)]
#[must_use = "what is not done is not kept"]
pub struct WorkflowWriter<'a> {
    draft: Draft<'a>,
    workflow: Workflow,
    begun: Instant,
    is_told: bool,
}

impl<'a> WorkflowWriter<'a> {
    pub(super) fn begin(emitter: &'a Emitter<'a>, workflow: Workflow) -> Self {
        let is_told = workflow.kind == WorkflowKind::Reasoning;
        let kind = ItemKind::Workflow {
            workflow: workflow.clone(),
        };
        let draft = Draft::new(emitter, kind);
        if is_told {
            draft.add();
        }
        Self {
            draft,
            workflow,
            begun: Instant::now(),
            is_told,
        }
    }

    /// The id that the item has, also when it is done.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// Adds a step. Returns its place.
    pub fn add(&mut self, task: Task) -> usize {
        let place = self.workflow.tasks.len();
        self.workflow.tasks.push(task.clone());
        if self.is_told {
            let task_index = place as u64;
            self.draft.update(Update::TaskAdded { task_index, task });
        } else {
            self.draft.item.kind = ItemKind::Workflow {
                workflow: self.workflow.clone(),
            };
            self.draft.add();
            self.is_told = true;
        }
        place
    }

    /// Changes a step; nothing where there is none.
    pub fn update(&mut self, place: usize, task: Task) {
        let Some(known) = self.workflow.tasks.get_mut(place) else {
            return;
        };
        known.clone_from(&task);
        let task_index = place as u64;
        self.draft.update(Update::TaskUpdated { task_index, task });
    }

    /// The steps are done. Without a summary, how long they took stands above them. Custom steps of
    /// which there are none are nothing.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn done(self, summary: Option<Summary>) -> Result<(), RepositoryError> {
        if !self.is_told {
            return Ok(());
        }
        let duration = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        let workflow = Workflow {
            summary: summary.or(Some(Summary::Duration { duration })),
            ..self.workflow
        };
        self.draft.done(ItemKind::Workflow { workflow }).await
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn remove(self) -> Result<(), RepositoryError> {
        if !self.is_told {
            return Ok(());
        }
        self.draft.remove().await
    }
}

/// Shows a picture that is being made.
#[derive(Debug)]
#[must_use = "what is not done is not kept"]
pub struct ImageWriter<'a> {
    draft: Draft<'a>,
}

impl<'a> ImageWriter<'a> {
    pub(super) fn begin(emitter: &'a Emitter<'a>) -> Self {
        let draft = Draft::new(emitter, ItemKind::GeneratedImage { image: None });
        draft.add();
        Self { draft }
    }

    /// The id that the item has, also when it is done.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.draft.id
    }

    /// The picture so far, and how far it is, from 0 to 1.
    pub fn update(&mut self, image: GeneratedImage, progress: Option<f64>) {
        self.draft.update(Update::ImageUpdated { image, progress });
    }

    /// The whole picture.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn done(self, image: GeneratedImage) -> Result<(), RepositoryError> {
        let image = Some(image);
        self.draft.done(ItemKind::GeneratedImage { image }).await
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As of [`Turn`](crate::Turn).
    pub async fn remove(self) -> Result<(), RepositoryError> {
        self.draft.remove().await
    }
}
