//! The start of a run.

use crate::{
    Caller, ConversationId, EarlierMessage, Idempotency, ItemId, Message, MessageStatus,
    NewConversation, RepositoryError, Resource, Role, Run, RunId, RunInput, RunStatus, RunTarget,
    StartRun, Started, StartedRun,
};

use super::state::{Lease, State, StoredConversation, StoredRun, already_stored};

/// The run of an idempotency key.
enum KeyLookup {
    /// There is no key, or no run has it.
    Nothing,
    /// A failed run. Its message is answered again.
    Failed { run: RunId, message: ItemId },
    /// A run that is active or has ended.
    Known(Box<Run>),
}

impl State {
    pub(super) fn start(
        &mut self,
        caller: &Caller,
        start: &StartRun,
    ) -> Result<Started, RepositoryError> {
        let id = start.target.conversation_id();
        if matches!(start.target, RunTarget::Existing(_)) {
            let missing = match start.input {
                RunInput::Message { .. } => Resource::Conversation,
                RunInput::Regenerate(_) => Resource::Message,
            };
            self.of_caller(caller, id, missing)?;
            self.interrupt_expired_run(id, start.now)?;
        }
        let input = match self.look_up_key(caller, start)? {
            KeyLookup::Nothing => start.input.clone(),
            KeyLookup::Known(run) => return Ok(Started::Known(run)),
            KeyLookup::Failed { run, message } => {
                self.give_up_key(id, run);
                RunInput::Regenerate(message)
            }
        };
        self.check_active_runs(caller, start)?;
        self.check_new_ids(start)?;
        let is_repeated = matches!(input, RunInput::Regenerate(_));
        let conversation = self.target(caller, start)?;
        let user_message = conversation.take_input(start, input)?;
        let run = new_run(start, user_message.id);
        conversation.runs.insert(start.id, run.clone());
        conversation.save();
        Ok(Started::New(Box::new(StartedRun {
            run: run.run,
            user_message,
            is_repeated,
        })))
    }

    fn look_up_key(&self, caller: &Caller, start: &StartRun) -> Result<KeyLookup, RepositoryError> {
        let Some(Idempotency { key, fingerprint }) = &start.idempotency else {
            return Ok(KeyLookup::Nothing);
        };
        let mut known = self
            .runs_of(caller)
            .filter_map(|run| Some((run, run.idempotency.as_ref()?)));
        let Some((known, idempotency)) = known.find(|(_, known)| known.key == *key) else {
            return Ok(KeyLookup::Nothing);
        };
        if idempotency.fingerprint != *fingerprint {
            return Err(RepositoryError::KeyReused);
        }
        let run = &known.run;
        let conversation = self.conversations.get(&start.target.conversation_id());
        let message = conversation
            .filter(|_| run.status == RunStatus::Failed)
            .and_then(|conversation| conversation.message_to_answer_again(run));
        Ok(match message {
            Some(message) => KeyLookup::Failed {
                run: run.id,
                message,
            },
            None => KeyLookup::Known(Box::new(run.clone())),
        })
    }

    fn give_up_key(&mut self, conversation: ConversationId, run: RunId) {
        let conversation = self.conversations.get_mut(&conversation);
        if let Some(run) = conversation.and_then(|found| found.runs.get_mut(&run)) {
            run.idempotency = None;
        }
    }

    fn check_active_runs(&self, caller: &Caller, start: &StartRun) -> Result<(), RepositoryError> {
        let conversation = self.conversations.get(&start.target.conversation_id());
        if let Some(active) = conversation.and_then(StoredConversation::active_run) {
            let run_id = active.run.id;
            return Err(RepositoryError::RunActive { run_id });
        }
        let runs = self.runs_of(caller);
        let active = runs.filter(|run| run.is_active() && !run.has_expired());
        if active.count() >= start.max_runs_per_user as usize {
            return Err(RepositoryError::TooManyRuns);
        }
        Ok(())
    }

    /// Checks that the ids of the run and of the new messages are unused.
    fn check_new_ids(&self, start: &StartRun) -> Result<(), RepositoryError> {
        let new = match start.input {
            RunInput::Message { id, .. } => Some(id),
            RunInput::Regenerate(_) => None,
        };
        let earlier: &[EarlierMessage] = match &start.target {
            RunTarget::New { earlier, .. } => earlier,
            RunTarget::Existing(_) => &[],
        };
        let mut items = earlier.iter().map(|message| message.id).chain(new);
        if self.run(start.id).is_some() || items.any(|id| self.place_of(id).is_some()) {
            return Err(already_stored());
        }
        Ok(())
    }

    /// The conversation of the run, which may be a new one.
    fn target(
        &mut self,
        caller: &Caller,
        start: &StartRun,
    ) -> Result<&mut StoredConversation, RepositoryError> {
        let (id, earlier) = match &start.target {
            RunTarget::Existing(id) => {
                return self.of_caller_mut(caller, *id, Resource::Conversation);
            }
            RunTarget::New { id, earlier } => (*id, earlier),
        };
        let (title, now) = (None, start.now);
        let conversation = self.insert_conversation(caller, NewConversation { id, title, now })?;
        for EarlierMessage { id, role, content } in earlier.iter().cloned() {
            if start.names_conversation && role == Role::User {
                conversation.name_after(&content);
            }
            let blank = conversation.blank_message(id, content);
            conversation.append_message(Message { role, ..blank }, now);
        }
        Ok(conversation)
    }

    /// The caller's runs, including those of deleted conversations.
    fn runs_of(&self, caller: &Caller) -> impl Iterator<Item = &StoredRun> {
        let all = self.conversations.values();
        let own = all.filter(|conversation| conversation.belongs_to(caller));
        own.flat_map(|conversation| conversation.runs.values())
    }
}

impl StoredConversation {
    /// The message of a failed run. `None` if the conversation has moved on: answering again would
    /// remove what came after. Partial answers to the message itself do not count.
    fn message_to_answer_again(&self, failed: &Run) -> Option<ItemId> {
        let message = self.message(failed.user_message_id?)?;
        let is_attempt = |id: &RunId| {
            let run = self.runs.get(id).map(|stored| &stored.run);
            run.is_some_and(|run| {
                run.status == RunStatus::Failed && run.user_message_id == Some(message.id)
            })
        };
        let is_partial_answer = |later: &Message| {
            later.run_id == Some(failed.id)
                || later.status == MessageStatus::Incomplete
                    && later.run_id.as_ref().is_some_and(is_attempt)
        };
        let mut later = self
            .messages()
            .filter(|later| later.sequence_number > message.sequence_number);
        later.all(is_partial_answer).then_some(message.id)
    }

    /// Appends the new message, or removes everything after the existing one.
    fn take_input(
        &mut self,
        start: &StartRun,
        input: RunInput,
    ) -> Result<Message, RepositoryError> {
        match input {
            RunInput::Message { id, text, details } => {
                if start.names_conversation {
                    self.name_after(text.as_str());
                }
                let message = Message {
                    role: Role::User,
                    details,
                    run_id: Some(start.id),
                    ..self.blank_message(id, text.into())
                };
                Ok(self.append_message(message, start.now))
            }
            RunInput::Regenerate(id) => {
                let message = self.message(id).cloned();
                let message = message.ok_or(RepositoryError::NotFound(Resource::Message))?;
                if message.role != Role::User {
                    return Err(RepositoryError::WrongMessage);
                }
                self.remove_after(message.sequence_number, start.id);
                Ok(message)
            }
        }
    }
}

fn new_run(start: &StartRun, user_message: ItemId) -> StoredRun {
    StoredRun {
        run: Run {
            id: start.id,
            conversation_id: start.target.conversation_id(),
            dialect: start.dialect,
            status: RunStatus::Running,
            user_message_id: Some(user_message),
            assistant_message_id: Some(start.assistant_message_id),
            model: Some(start.model.clone()),
            usage: None,
            error: None,
            tool_calls: Vec::new(),
            created_at: start.now,
            started_at: Some(start.now),
            ended_at: None,
        },
        idempotency: start.idempotency.clone(),
        lease: Some(Lease::new(start.owner)),
        cancel_requested: false,
        window_start: None,
        events: Vec::new(),
        last_event: 0,
    }
}
