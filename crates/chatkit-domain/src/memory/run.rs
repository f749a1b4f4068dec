//! The port of runs, for callers.

use async_trait::async_trait;

use crate::{
    Caller, ConversationId, EventPage, EventsEnd, ItemId, Message, RepositoryError, Resource, Run,
    RunId, RunOutcome, RunRepository, RunStatus, StartRun, Started, ToolCall,
};

use super::{
    MemoryStore,
    state::{StoredConversation, StoredRun},
};

/// The most events of a page.
const PAGE_EVENTS: usize = 1_000;

const NOT_FOUND: RepositoryError = RepositoryError::NotFound(Resource::Run);

#[async_trait]
impl RunRepository for MemoryStore {
    async fn start(&self, caller: &Caller, start: StartRun) -> Result<Started, RepositoryError> {
        self.write(|state| state.start(caller, &start))
    }

    async fn cancel(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError> {
        self.write(|state| {
            let conversation = state.of_caller_mut(caller, conversation, Resource::Run)?;
            let stored = conversation.runs.get_mut(&run).ok_or(NOT_FOUND)?;
            stored.cancel_requested |= stored.is_active();
            Ok(stored.run.clone())
        })
    }

    async fn get(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<Run, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Run)?;
        Ok(conversation.run(run)?.run.clone())
    }

    async fn failed_tool_calls(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        user_message: ItemId,
    ) -> Result<Vec<ToolCall>, RepositoryError> {
        let state = self.read();
        let Ok(conversation) = state.of_caller(caller, conversation, Resource::Message) else {
            return Ok(Vec::new());
        };
        let runs = conversation.runs.values().map(|stored| &stored.run);
        let mut failed: Vec<&Run> = runs
            .filter(|run| run.status == RunStatus::Failed)
            .filter(|run| run.user_message_id == Some(user_message))
            .collect();
        failed.sort_by_key(|run| (run.created_at, run.id));
        let calls = failed.into_iter().flat_map(|run| &run.tool_calls);
        Ok(calls.cloned().collect())
    }

    async fn outcome(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
    ) -> Result<RunOutcome, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Run)?;
        conversation.outcome(conversation.run(run)?)
    }

    async fn events(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        run: RunId,
        after: u64,
    ) -> Result<EventPage, RepositoryError> {
        let state = self.read();
        let conversation = state.of_caller(caller, conversation, Resource::Run)?;
        let run = conversation.run(run)?;
        let mut events = run.events_after(after);
        let has_more = events.len() > PAGE_EVENTS;
        events.truncate(PAGE_EVENTS);
        let end = if run.is_active() || has_more {
            None
        } else {
            Some(Box::new(EventsEnd {
                outcome: conversation.outcome(run)?,
                last_event: run.last_event,
            }))
        };
        Ok(EventPage {
            last: events.last().map_or(after, |event| event.number),
            events,
            has_more,
            end,
        })
    }
}

impl StoredConversation {
    fn run(&self, id: RunId) -> Result<&StoredRun, RepositoryError> {
        self.runs.get(&id).ok_or(NOT_FOUND)
    }

    /// The messages of a run, even if they have left the history since.
    fn outcome(&self, stored: &StoredRun) -> Result<RunOutcome, RepositoryError> {
        let run = stored.run.clone();
        let message = |id: Option<ItemId>| self.stored_message(id?).cloned();
        Ok(RunOutcome {
            user_message: message(run.user_message_id).ok_or(NOT_FOUND)?,
            assistant_message: message(run.assistant_message_id).map(|message| Message {
                tool_calls: run.tool_calls.clone(),
                ..message
            }),
            run,
        })
    }
}
