//! The turn that a [`Responder`](crate::Responder) answers. It has the user's message and methods
//! to write, show and change all parts of the conversation.

mod content;
pub(crate) mod emitter;
pub(crate) mod error;
mod writer;

use chatkit_domain::{
    Aside, Caller, Conversation, ConversationChanges, ConversationStatus, Item, ItemId, ItemState,
    Message, Run, RunFence, Title,
};
use chatkit_protocol::{
    ItemKind, NoticeLevel, OutputText, StructuredInput, StructuredInputStatus, Task, ThreadItem,
    ThreadStreamEvent as Event, Widget, Workflow, WorkflowKind,
};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::writer::{ImageWriter, MessageWriter, WidgetWriter, WorkflowWriter};
use self::{emitter::Emitter, error::TurnError};
use crate::{core::AgentCore, log::journal::EnteredRun, request::RunOptions, thread};

/// A turn that is being answered. When a method that completes an item returns, the item is in the
/// database.
///
/// # Errors
/// All methods that store or read return [`TurnError::Lost`] if the turn no longer belongs to this
/// process. The responder should then return.
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
        core: &'a AgentCore,
        fence: RunFence,
        entered: &'a EnteredRun,
        caller: &'a Caller,
        (run, user_message, options): (&'a Run, &'a Message, &'a RunOptions),
    ) -> Self {
        Self {
            caller,
            run,
            user_message,
            options,
            emitter: Emitter::new(core, fence, entered),
        }
    }

    pub(crate) fn emitter(&self) -> &Emitter<'a> {
        &self.emitter
    }

    /// Returns the caller.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// Returns the run, with its id, its conversation and its dialect.
    #[must_use]
    pub fn run(&self) -> &Run {
        self.run
    }

    /// Returns the message to answer.
    #[must_use]
    pub fn user_message(&self) -> &Message {
        self.user_message
    }

    /// Returns the model and the tool that the user chose, and the language.
    #[must_use]
    pub fn options(&self) -> &RunOptions {
        self.options
    }

    /// Reads the conversation with its title, status and metadata.
    pub async fn conversation(&self) -> Result<Conversation, TurnError> {
        let conversations = &self.emitter.core.repositories.conversations;
        let id = self.run.conversation_id;
        Ok(conversations.get(self.caller, id).await?)
    }

    /// Reads the newest items of the history, oldest first. Returns at most this many messages,
    /// including the user's, and the items between and after them, including hidden ones.
    pub async fn history(&self, messages: u32) -> Result<Vec<Item>, TurnError> {
        let log = &self.emitter.core.repositories.messages;
        let id = self.run.conversation_id;
        Ok(log.context(self.caller, id, messages).await?.items)
    }

    /// Emits an event of the protocol. An item that is done, replaced or removed is stored first.
    /// Item ids must come from [`item`](Self::item) or from an item of the thread.
    ///
    /// # Errors
    /// [`TurnError::NotAllowed`] for user messages, for malformed ids, for ids of another thread,
    /// and for events of the thread itself, which [`change`](Self::change) emits.
    /// [`TurnError::TooLarge`] for more than 4 MiB.
    pub async fn emit(&self, event: Event) -> Result<(), TurnError> {
        let event = match Aside::try_from(event) {
            Ok(aside) => return self.emitter.emit_aside(aside),
            Err(event) => *event,
        };
        match event {
            Event::ItemAdded { item } => {
                if matches!(item.kind, ItemKind::UserMessage { .. }) {
                    return Err(TurnError::NotAllowed);
                }
                self.emitter.add(ItemState {
                    id: parse_id(&item.id)?,
                    created_at: self.emitter.core.clock.now(),
                    kind: item.kind,
                })
            }
            Event::ItemUpdated { item_id, update } => {
                self.emitter.update(parse_id(&item_id)?, update)
            }
            Event::ItemDone { item } => self.emitter.finish(parse_id(&item.id)?, item.kind).await,
            Event::ItemReplaced { item } => {
                self.emitter.replace(parse_id(&item.id)?, item.kind).await
            }
            Event::ItemRemoved { item_id } => self.emitter.remove(parse_id(&item_id)?).await,
            _ => Err(TurnError::NotAllowed),
        }
    }

    /// Creates an item of this thread with the current time. Emits nothing.
    #[must_use]
    pub fn item(&self, kind: ItemKind) -> ThreadItem {
        let clock = &self.emitter.core.clock;
        thread::item(clock.id(), self.run.conversation_id, clock.now(), kind)
    }

    /// Shows the current activity, with an optional icon.
    pub fn progress(&self, text: impl Into<String>, icon: Option<&str>) {
        self.emitter.emit_aside_or_log(Aside::Progress {
            text: text.into(),
            icon: icon.map(str::to_owned),
        });
    }

    /// Shows a notice (Markdown) that is not part of the thread.
    pub fn notice(&self, level: NoticeLevel, message: impl Into<String>, title: Option<&str>) {
        self.emitter.emit_aside_or_log(Aside::Notice {
            level,
            message: message.into(),
            title: title.map(str::to_owned),
        });
    }

    /// Asks the host application to carry out an effect. Does not wait for it.
    pub fn client_effect(&self, name: impl Into<String>, data: Map<String, Value>) {
        let name = name.into();
        self.emitter.emit_aside_or_log(Aside::Effect { name, data });
    }

    /// Sets whether the user may stop the turn. If so, the turn also stops when its client
    /// disconnects.
    pub fn allow_cancel(&self, allow_cancel: bool) {
        self.emitter
            .emit_aside_or_log(Aside::StreamOptions { allow_cancel });
    }

    /// Writes a message (Markdown). Returns its id.
    pub async fn say(&self, text: impl Into<String>) -> Result<ItemId, TurnError> {
        let content = vec![OutputText::new(text)];
        self.show(ItemKind::AssistantMessage { content }).await
    }

    /// Starts a message that the responder writes piece by piece.
    pub fn message(&self) -> MessageWriter<'_> {
        MessageWriter::start(&self.emitter)
    }

    /// Shows a complete item. Returns its id.
    pub async fn show(&self, kind: ItemKind) -> Result<ItemId, TurnError> {
        let id = self.emitter.core.clock.id();
        self.emitter.finish(id, kind).await?;
        Ok(id)
    }

    /// Shows a widget. Its copy button copies `copy_text`. Returns the item's id.
    pub async fn widget(
        &self,
        widget: Widget,
        copy_text: Option<String>,
    ) -> Result<ItemId, TurnError> {
        self.show(ItemKind::Widget { widget, copy_text }).await
    }

    /// Starts a widget that changes during the turn.
    pub fn stream_widget(&self, first: Widget, copy_text: Option<String>) -> WidgetWriter<'_> {
        WidgetWriter::start(&self.emitter, first, copy_text)
    }

    /// Starts a workflow. A custom workflow appears with its first step.
    pub fn workflow(&self, kind: WorkflowKind) -> WorkflowWriter<'_> {
        let workflow = Workflow {
            kind,
            tasks: Vec::new(),
            summary: None,
            expanded: false,
        };
        WorkflowWriter::start(&self.emitter, workflow)
    }

    /// Shows a single step. Returns the item's id.
    pub async fn task(&self, task: Task) -> Result<ItemId, TurnError> {
        self.show(ItemKind::Task { task }).await
    }

    /// Starts an image that is being generated.
    pub fn image(&self) -> ImageWriter<'_> {
        ImageWriter::start(&self.emitter)
    }

    /// Asks the user questions. Returns the item's id.
    pub async fn ask(&self, inputs: Vec<StructuredInput>) -> Result<ItemId, TurnError> {
        let status = StructuredInputStatus::Pending;
        self.show(ItemKind::StructuredInput { status, inputs })
            .await
    }

    /// Stores a note for the model that no client sees. Returns the item's id.
    pub async fn hide(&self, note: impl Into<String>) -> Result<ItemId, TurnError> {
        let content = Value::String(note.into());
        self.show(ItemKind::HiddenContextItem { content }).await
    }

    /// Replaces the content of an item of this turn or an earlier one.
    pub async fn replace(&self, item: ItemId, kind: ItemKind) -> Result<(), TurnError> {
        self.emitter.replace(item, kind).await
    }

    /// Removes an item from the thread. User messages cannot be removed.
    pub async fn remove(&self, item: ItemId) -> Result<(), TurnError> {
        self.emitter.remove(item).await
    }

    /// Sets the title of the thread.
    pub async fn set_title(&self, title: Title) -> Result<(), TurnError> {
        let title = Some(title);
        self.change(ConversationChanges {
            title,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Sets whether the user may continue the thread. The server does not reject messages by
    /// itself, but a responder may.
    pub async fn set_status(&self, status: ConversationStatus) -> Result<(), TurnError> {
        let status = Some(status);
        self.change(ConversationChanges {
            status,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Sets the domains from which clients show images. `None` allows all domains.
    pub async fn set_image_domains(&self, domains: Option<Vec<String>>) -> Result<(), TurnError> {
        let image_domains = Some(domains);
        self.change(ConversationChanges {
            image_domains,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Stores metadata with the thread. No client sees it.
    pub async fn set_metadata(&self, metadata: Map<String, Value>) -> Result<(), TurnError> {
        let metadata = Some(metadata);
        self.change(ConversationChanges {
            metadata,
            ..ConversationChanges::default()
        })
        .await
    }

    /// Changes several properties of the thread at once.
    pub async fn change(&self, changes: ConversationChanges) -> Result<(), TurnError> {
        self.emitter.change(changes).await
    }
}

fn parse_id(id: &str) -> Result<ItemId, TurnError> {
    let id = Uuid::parse_str(id).map_err(|_| TurnError::NotAllowed)?;
    Ok(ItemId::new(id))
}
