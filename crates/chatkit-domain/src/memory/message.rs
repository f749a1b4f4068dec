//! The port of messages.

use async_trait::async_trait;

use crate::{
    Caller, Context, ConversationId, Feedback, Item, ItemId, ListCreated, ListMessages, Message,
    MessagePage, MessageRepository, MessageWindow, Order, Page, RepositoryError, Resource, Role,
    RunStatus, Since, ToolCall,
};

use super::{MemoryStore, entry::LogEntry, state::StoredConversation};

const NOT_FOUND: RepositoryError = RepositoryError::NotFound(Resource::Message);

#[async_trait]
impl MessageRepository for MemoryStore {
    async fn revision(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<u64, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Conversation)?;
        Ok(conversation.revision)
    }

    async fn list(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: &ListMessages,
    ) -> Result<MessagePage, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Conversation)?;
        let all: Vec<&Message> = conversation.messages().collect();
        let (window, order, reset) = window(&all, list.window);
        let mut window: Vec<&Message> = window.to_vec();
        if order == Order::Desc {
            window.reverse();
        }
        let Page {
            entries: mut page,
            has_more,
        } = Page::of(window, list.limit);
        if order == Order::Desc {
            page.reverse();
        }
        let page = page.into_iter();
        Ok(MessagePage {
            revision: conversation.revision,
            messages: page
                .map(|message| conversation.with_calls(message))
                .collect(),
            has_more,
            reset,
            active_run: conversation.active_run().map(|active| active.run.clone()),
        })
    }

    async fn items(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        list: ListCreated<ItemId>,
    ) -> Result<Page<Item>, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Conversation)?;
        let after = match list.after {
            Some(id) => {
                let entry = conversation.entry(id).ok_or(NOT_FOUND)?;
                Some(entry.item.sequence_number())
            }
            None => None,
        };
        let number = |entry: &&LogEntry| entry.item.sequence_number();
        let history = conversation.history();
        let entries: Vec<&LogEntry> = match list.order {
            Order::Asc => history
                .filter(|entry| after.is_none_or(|after| number(entry) > after))
                .collect(),
            Order::Desc => history
                .rev()
                .filter(|entry| after.is_none_or(|after| number(entry) < after))
                .collect(),
        };
        let items = entries.into_iter().map(|entry| conversation.item(entry));
        Ok(Page::of(items.collect(), list.limit))
    }

    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
    ) -> Result<Message, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Message)?;
        let message = conversation.message(message).ok_or(NOT_FOUND)?;
        Ok(conversation.with_calls(message))
    }

    async fn rate(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        message: ItemId,
        feedback: Option<Feedback>,
    ) -> Result<(), RepositoryError> {
        self.write(|state| {
            let conversation = state.of_caller_mut(caller, conversation, Resource::Message)?;
            let message = conversation.message_mut(message).ok_or(NOT_FOUND)?;
            if message.role != Role::Assistant {
                return Err(RepositoryError::WrongMessage);
            }
            message.feedback = feedback;
            conversation.save();
            Ok(())
        })
    }

    async fn context(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        messages: u32,
    ) -> Result<Context, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Conversation)?;
        let newest = conversation.messages().rev().take(messages as usize);
        let Some(oldest) = newest.last() else {
            return Ok(Context::default());
        };
        let is_part = |entry: &&LogEntry| entry.item.sequence_number() >= oldest.sequence_number;
        let entries = || conversation.history().filter(is_part);
        Ok(Context {
            items: entries()
                .map(|entry| conversation.context_item(entry))
                .collect(),
            window_start: entries()
                .rev()
                .find_map(|entry| conversation.runs.get(&entry.run_id()?)?.window_start),
        })
    }
}

/// The messages of a window, the end of the window at which a page starts, and whether the window
/// replaces the messages that the reader has.
fn window<'a>(all: &'a [&'a Message], window: MessageWindow) -> (&'a [&'a Message], Order, bool) {
    match window {
        MessageWindow::Newest => (all, Order::Desc, false),
        MessageWindow::Before(sequence) => {
            let end = all.partition_point(|message| message.sequence_number < sequence);
            (&all[..end], Order::Desc, false)
        }
        MessageWindow::Since(Since::Message(id)) => {
            match all.iter().position(|message| message.id == id) {
                Some(index) => (&all[index + 1..], Order::Asc, false),
                None => (all, Order::Desc, true),
            }
        }
        MessageWindow::Since(Since::Time(time)) => {
            let start = all.partition_point(|message| message.created_at <= time);
            (&all[start..], Order::Asc, false)
        }
    }
}

impl StoredConversation {
    fn item(&self, entry: &LogEntry) -> Item {
        match &entry.item {
            Item::Message(message) => Item::Message(self.with_calls(message)),
            item => item.clone(),
        }
    }

    /// The item as a model receives it: a user message has the calls of the run that it started, if
    /// that run ended without an answer.
    fn context_item(&self, entry: &LogEntry) -> Item {
        match &entry.item {
            Item::Message(message) if message.role == Role::User => Item::Message(Message {
                tool_calls: self.unanswered_calls(message),
                ..message.clone()
            }),
            _ => self.item(entry),
        }
    }

    /// The message with the tool calls that it shows.
    pub(super) fn with_calls(&self, message: &Message) -> Message {
        let calls = self.runs.values().flat_map(|run| &run.run.tool_calls);
        let shown = calls.filter(|call| call.message_id == Some(message.id));
        Message {
            tool_calls: shown.cloned().collect(),
            ..message.clone()
        }
    }

    fn unanswered_calls(&self, message: &Message) -> Vec<ToolCall> {
        let run = message.run_id.and_then(|id| self.runs.get(&id));
        let unanswered = run.map(|stored| &stored.run).filter(|run| {
            let has_failed = matches!(run.status, RunStatus::Failed | RunStatus::Cancelled);
            has_failed && run.assistant_message_id.is_none()
        });
        unanswered.map_or_else(Vec::new, |run| run.tool_calls.clone())
    }
}
