//! The end of a run, by its owner or by another process.

use chatkit_protocol::OutputText;
use chrono::{DateTime, Utc};

use crate::{
    AnswerDraft, ConversationId, FinishRun, FinishedRun, IncompleteReason, ItemContent, ItemId,
    ItemWrite, Message, Note, RepositoryError, Role, Run, RunEnd, RunError, RunErrorCode, RunFence,
    RunId, ToolCallStatus, last_event_number, replace_nul,
};

use super::{
    content::status_of,
    recovery::RecoveredText,
    state::{State, StoredConversation, StoredRun, already_stored},
};

impl State {
    /// Ends a run on behalf of its owner.
    pub(super) fn finish(
        &mut self,
        fence: RunFence,
        finish: FinishRun,
    ) -> Result<FinishedRun, RepositoryError> {
        self.of_fence(fence)?;
        self.check_items(fence, finish.note.as_ref().map(|note| note.id))?;
        let unfinished = status_of_unfinished_calls(&finish.end);
        self.end_run(fence.conversation_id, fence.run_id, finish, unfinished)
    }

    /// Closes the active run of a conversation as interrupted if its lease has expired. Returns
    /// the run that was closed.
    pub(super) fn interrupt_expired_run(
        &mut self,
        id: ConversationId,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, RepositoryError> {
        let conversation = self.conversations.get(&id);
        let expired = conversation.and_then(|found| Some((found, found.expired_run()?)));
        let Some((conversation, expired)) = expired else {
            return Ok(None);
        };
        let run_id = expired.run.id;
        let finish = conversation.interruption(expired, now);
        self.end_run(id, run_id, finish, ToolCallStatus::Unknown)?;
        Ok(Some(run_id))
    }

    fn end_run(
        &mut self,
        conversation: ConversationId,
        run: RunId,
        mut finish: FinishRun,
        unfinished: ToolCallStatus,
    ) -> Result<FinishedRun, RepositoryError> {
        if let Some(answers) = &mut finish.partial_answers {
            // An answer with a known id was stored or removed, or is not the run's.
            answers.retain(|answer| self.place_of(answer.id).is_none());
        }
        let conversation = self.conversations.get_mut(&conversation);
        let conversation = conversation.ok_or(RepositoryError::RunLost)?;
        conversation.end_run(run, finish, unfinished)
    }
}

/// The status of the tool calls that still run when their owner ends the run.
const fn status_of_unfinished_calls(end: &RunEnd) -> ToolCallStatus {
    match end {
        RunEnd::Cancelled => ToolCallStatus::Cancelled,
        RunEnd::Completed => ToolCallStatus::Unknown,
        RunEnd::Failed(error) => match error.code {
            RunErrorCode::Interrupted | RunErrorCode::Unavailable | RunErrorCode::Internal => {
                ToolCallStatus::Unknown
            }
            // After a failure of the model or a limit, the owner itself cancelled the tools.
            _ => ToolCallStatus::Cancelled,
        },
    }
}

impl StoredConversation {
    pub(super) fn expired_run(&self) -> Option<&StoredRun> {
        self.active_run().filter(|run| run.has_expired())
    }

    /// The end of a run whose owner became silent. Its answers are stored as far as they were
    /// emitted.
    fn interruption(&self, stored: &StoredRun, now: DateTime<Utc>) -> FinishRun {
        let RecoveredText {
            text,
            reasoning,
            partial_answers,
        } = RecoveredText::of(&stored.events);
        let incomplete_reason = Some(IncompleteReason::Interrupted);
        let has_text = !text.trim().is_empty();
        let has_stored_answer = self.last_answer(&stored.run).is_some();
        let emits_answer = has_text || !partial_answers.is_empty() || has_stored_answer;
        let write = |(id, text): (ItemId, String)| {
            let content = ItemContent::Answer {
                parts: vec![OutputText::new(text)],
                incomplete_reason,
            };
            ItemWrite { id, content }
        };
        let end = RunEnd::Failed(RunError::new(RunErrorCode::Interrupted));
        FinishRun {
            answer: has_text.then(|| AnswerDraft {
                text,
                incomplete_reason,
                reasoning: reasoning.into_text(),
            }),
            partial_answers: Some(partial_answers.into_iter().map(write).collect()),
            last_event: last_event_number(stored.last_stored_event(), true, emits_answer),
            ..FinishRun::new(end, now)
        }
    }

    fn end_run(
        &mut self,
        id: RunId,
        mut finish: FinishRun,
        unfinished: ToolCallStatus,
    ) -> Result<FinishedRun, RepositoryError> {
        let mut stored = self.runs.remove(&id).ok_or(RepositoryError::RunLost)?;
        stored.end(&finish);
        for answer in finish.partial_answers.iter().flatten() {
            self.put(id, answer.clone(), finish.now)?;
        }
        let stored_answer = self.last_answer(&stored.run);
        let stored_answer = stored_answer.filter(|_| finish.partial_answers.is_some());
        let stored_answer = stored_answer.cloned();
        let has_answer = finish.answer.is_some() || stored_answer.is_some();
        let may_restore = match finish.end {
            RunEnd::Completed => false,
            RunEnd::Failed(_) => true,
            RunEnd::Cancelled => !has_answer,
        };
        let is_restored = may_restore && self.restore_removed(id, has_answer);
        let answer = match finish.answer.take() {
            _ if is_restored => None,
            Some(answer) => Some(self.append_answer(&stored.run, answer, finish.now)?),
            None => stored_answer,
        };
        if !is_restored {
            self.add_remarks(&stored.run, &finish)?;
        }
        stored.run.assistant_message_id = answer.as_ref().map(|message| message.id);
        stored.settle_tool_calls(unfinished, finish.now);
        let run = stored.run.clone();
        self.runs.insert(id, stored);
        self.save();
        let assistant_message = answer.map(|message| self.with_calls(&message));
        Ok(FinishedRun {
            run,
            assistant_message,
        })
    }

    /// The last of a run's answers in the history.
    fn last_answer(&self, run: &Run) -> Option<&Message> {
        let mut newest_first = self.messages().rev();
        newest_first
            .find(|message| message.run_id == Some(run.id) && message.role == Role::Assistant)
    }

    /// Appends the answer of an ended run.
    fn append_answer(
        &mut self,
        run: &Run,
        answer: AnswerDraft,
        now: DateTime<Utc>,
    ) -> Result<Message, RepositoryError> {
        let AnswerDraft {
            text,
            incomplete_reason,
            reasoning,
        } = answer;
        let id = run.assistant_message_id;
        let id = id.filter(|id| self.entry(*id).is_none());
        let message = Message {
            status: status_of(incomplete_reason),
            incomplete_reason,
            reasoning: reasoning.map(replace_nul),
            run_id: Some(run.id),
            model: run.model.clone(),
            tokens_used: run.usage.map(|usage| usage.total_tokens()),
            ..self.blank_message(id.ok_or_else(already_stored)?, replace_nul(text))
        };
        Ok(self.append_message(message, now))
    }

    /// Adds a note for the model, and marks the user message that the model's filter refused.
    /// Neither applies to a turn whose answer was restored.
    fn add_remarks(&mut self, run: &Run, finish: &FinishRun) -> Result<(), RepositoryError> {
        if let Some(Note { id, text }) = finish.note.clone() {
            let content = ItemContent::HiddenContext(text);
            self.put(run.id, ItemWrite { id, content }, finish.now)?;
        }
        if finish.withholds_message
            && let Some(message) = run.user_message_id.and_then(|id| self.message_mut(id))
        {
            message.is_withheld = true;
        }
        Ok(())
    }
}

impl StoredRun {
    fn end(&mut self, finish: &FinishRun) {
        self.run.status = finish.end.status();
        self.run.ended_at = Some(finish.now);
        if let RunEnd::Failed(error) = &finish.end {
            self.run.error = Some(error.clone());
        }
        self.run.usage = finish.usage;
        self.window_start = finish.window_start;
        self.lease = None;
        if let Some(batch) = &finish.events {
            self.append_events(&batch.events);
        }
        self.last_event = finish.last_event;
    }

    /// Gives calls that still run this status, and shows all calls with the run's answer.
    fn settle_tool_calls(&mut self, unfinished: ToolCallStatus, now: DateTime<Utc>) {
        for call in &mut self.run.tool_calls {
            if call.completed_at.is_none() {
                call.status = unfinished;
                call.completed_at = Some(now);
            }
            call.message_id = self.run.assistant_message_id;
        }
    }
}
