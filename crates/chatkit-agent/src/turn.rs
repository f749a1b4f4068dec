//! What a [`Responder`](crate::Responder) is given: what the user said, and everything that it can
//! say, show and change.

mod writer;

use chatkit_domain::{
    Caller, Conversation, ConversationChanges, ConversationStatus, Item, ItemId, Message,
    RepositoryError, Run, RunFence, Title,
};
use chatkit_protocol::{
    ItemKind, NoticeLevel, OutputText, StreamOptions, StructuredInput, StructuredInputStatus, Task,
    ThreadItem, ThreadStreamEvent as Event, Widget, Workflow, WorkflowKind,
};
use serde_json::{Map, Value};

pub use self::writer::{ImageWriter, MessageWriter, WidgetWriter, WorkflowWriter};
use crate::{agent::Shared, emitter::Emitter, journal::EnteredRun, start::RunOptions};

/// A turn that is answered. What is said to be done is in the database when the call returns.
///
/// # Errors
/// Of every method that keeps or reads something: [`RepositoryError::RunLost`] when the turn is not
/// this process's any more; then there is nothing left to do.
#[derive(Debug)]
pub struct Turn<'a> {
    caller: &'a Caller,
    run: &'a Run,
    user_message: &'a Message,
    options: &'a RunOptions,
    emitter: Emitter<'a>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        fence: RunFence,
        entered: &'a EnteredRun,
        caller: &'a Caller,
        asked: (&'a Run, &'a Message, &'a RunOptions),
    ) -> Self {
        let (run, user_message, options) = asked;
        Self {
            caller,
            run,
            user_message,
            options,
            emitter: Emitter::new(shared, fence, entered),
        }
    }

    pub(crate) fn emitter(&self) -> &Emitter<'a> {
        &self.emitter
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// The run that answers: its id, its thread, the dialect by which it came.
    #[must_use]
    pub fn run(&self) -> &Run {
        self.run
    }

    /// What is to be answered.
    #[must_use]
    pub fn user_message(&self) -> &Message {
        self.user_message
    }

    /// How it is to be answered: the model and the tool that the user chose, their language.
    #[must_use]
    pub fn options(&self) -> &RunOptions {
        self.options
    }

    /// The conversation as it is now: its title, status and metadata.
    pub async fn conversation(&self) -> Result<Conversation, RepositoryError> {
        let conversations = &self.emitter.shared.repositories.conversations;
        let id = self.run.conversation_id;
        conversations.get(self.caller, id).await
    }

    /// The newest of the history, oldest first: this many messages at most, the user's included,
    /// with the items between and behind them, hidden ones too.
    pub async fn history(&self, messages: u32) -> Result<Vec<Item>, RepositoryError> {
        let log = &self.emitter.shared.repositories.messages;
        let id = self.run.conversation_id;
        Ok(log.context(self.caller, id, messages).await?.items)
    }

    /// Tells an event of the protocol. Items must have an id of [`item`](Self::item)'s, or of one
    /// that the thread has; what is done, replaced or removed is kept first.
    ///
    /// # Errors
    /// Also [`RepositoryError::WrongMessage`] for items that are not the assistant's, for ids that
    /// are no UUIDs or another thread's, and for events of the thread itself.
    pub async fn emit(&self, event: Event) -> Result<(), RepositoryError> {
        self.emitter.emit(event).await
    }

    /// A new item of this thread, from now; nothing is told of it yet.
    #[must_use]
    pub fn item(&self, kind: ItemKind) -> ThreadItem {
        self.emitter.item(kind)
    }

    /// Tells what is done at the moment, with an icon before it perhaps.
    pub fn progress(&self, text: impl Into<String>, icon: Option<&str>) {
        self.emitter.tell(Event::ProgressUpdate {
            text: text.into(),
            icon: icon.map(str::to_owned),
        });
    }

    /// Tells the user something (Markdown) that is no part of the thread.
    pub fn notice(&self, level: NoticeLevel, message: impl Into<String>, title: Option<&str>) {
        self.emitter.tell(Event::Notice {
            level,
            message: message.into(),
            title: title.map(str::to_owned),
        });
    }

    /// Has the host application do something, and does not wait for it.
    pub fn client_effect(&self, name: impl Into<String>, data: Map<String, Value>) {
        let name = name.into();
        self.emitter.tell(Event::ClientEffect { name, data });
    }

    /// Whether the user may stop the turn from now on: a client that leaves does, while they may.
    pub fn allow_cancel(&self, allow_cancel: bool) {
        self.emitter.tell(Event::StreamOptions {
            stream_options: StreamOptions { allow_cancel },
        });
    }

    /// Says something (Markdown) at once.
    pub async fn say(&self, text: impl Into<String>) -> Result<ItemId, RepositoryError> {
        let content = vec![OutputText::new(text)];
        self.show(ItemKind::AssistantMessage { content }).await
    }

    /// Begins to say something piece by piece.
    pub fn message(&self) -> MessageWriter<'_> {
        MessageWriter::begin(&self.emitter)
    }

    /// Shows a whole item. Returns its id.
    pub async fn show(&self, kind: ItemKind) -> Result<ItemId, RepositoryError> {
        let id = self.emitter.shared.clock.id();
        let item = self.emitter.item_of(id, kind);
        self.emit(Event::ItemDone { item }).await?;
        Ok(id)
    }

    /// Shows a widget; `copy_text` is what its button for copying copies.
    pub async fn widget(
        &self,
        widget: Widget,
        copy_text: Option<String>,
    ) -> Result<ItemId, RepositoryError> {
        self.show(ItemKind::Widget { widget, copy_text }).await
    }

    /// Begins to show a widget that changes while the turn is answered.
    pub fn stream_widget(&self, first: Widget, copy_text: Option<String>) -> WidgetWriter<'_> {
        WidgetWriter::begin(&self.emitter, first, copy_text)
    }

    /// Begins to show steps. Of custom ones nothing is told before the first.
    pub fn workflow(&self, kind: WorkflowKind) -> WorkflowWriter<'_> {
        let workflow = Workflow {
            kind,
            tasks: Vec::new(),
            summary: None,
            expanded: false,
        };
        WorkflowWriter::begin(&self.emitter, workflow)
    }

    /// Shows a single step.
    pub async fn task(&self, task: Task) -> Result<ItemId, RepositoryError> {
        self.show(ItemKind::Task { task }).await
    }

    /// Begins to show a picture that is being made.
    pub fn image(&self) -> ImageWriter<'_> {
        ImageWriter::begin(&self.emitter)
    }

    /// Asks the user.
    pub async fn ask(&self, inputs: Vec<StructuredInput>) -> Result<ItemId, RepositoryError> {
        let status = StructuredInputStatus::Pending;
        self.show(ItemKind::StructuredInput { status, inputs })
            .await
    }

    /// Leaves a note for the model that no client sees.
    pub async fn hide(&self, note: impl Into<String>) -> Result<ItemId, RepositoryError> {
        let content = Value::String(note.into());
        self.show(ItemKind::HiddenContextItem { content }).await
    }

    /// Puts something else in the place of an item, of this turn or of an earlier one.
    pub async fn replace(&self, item: ItemId, kind: ItemKind) -> Result<(), RepositoryError> {
        let item = self.emitter.item_of(item, kind);
        self.emit(Event::ItemReplaced { item }).await
    }

    /// Takes an item out of the thread; not what the user said.
    pub async fn remove(&self, item: ItemId) -> Result<(), RepositoryError> {
        let item_id = item.to_string();
        self.emit(Event::ItemRemoved { item_id }).await
    }

    /// Names the thread.
    pub async fn set_title(&self, title: Title) -> Result<(), RepositoryError> {
        let title = Some(title);
        self.change(ConversationChanges {
            title,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Says whether the user may go on with the thread. Nothing is refused by itself: a responder
    /// that wants that refuses.
    pub async fn set_status(&self, status: ConversationStatus) -> Result<(), RepositoryError> {
        let status = Some(status);
        self.change(ConversationChanges {
            status,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Has the client show images of these domains alone; of all, without a list.
    pub async fn set_image_domains(
        &self,
        domains: Option<Vec<String>>,
    ) -> Result<(), RepositoryError> {
        let image_domains = Some(domains);
        self.change(ConversationChanges {
            image_domains,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Keeps something with the thread that no client sees.
    pub async fn set_metadata(&self, metadata: Map<String, Value>) -> Result<(), RepositoryError> {
        let metadata = Some(metadata);
        self.change(ConversationChanges {
            metadata,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Changes several things of the thread at once.
    pub async fn change(&self, changes: ConversationChanges) -> Result<(), RepositoryError> {
        self.emitter.change(changes).await
    }
}
