//! The answers of an interrupted run, recovered from its stored events.

use std::sync::Arc;

use crate::{ItemId, MessageEvent, NumberedEvent, ReasoningText, RunEvent};

/// The answers of a run, as far as they were emitted.
#[derive(Debug, Default)]
pub(super) struct RecoveredText {
    /// The text of the agent's answer.
    pub(super) text: String,
    /// The reasoning that the model showed.
    pub(super) reasoning: ReasoningText,
    /// The texts of other answers that were started and not stored. None is blank.
    pub(super) partial_answers: Vec<(ItemId, String)>,
}

impl RecoveredText {
    pub(super) fn of(events: &[Arc<NumberedEvent>]) -> Self {
        let mut recovered = Self::default();
        for event in events {
            recovered.add(&event.event);
        }
        recovered
            .partial_answers
            .retain(|(_, text)| !text.trim().is_empty());
        recovered
    }

    fn add(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Text {
                part: None, delta, ..
            } => self.text.push_str(delta),
            RunEvent::Text { item, delta, .. } => self.add_part(*item, delta),
            RunEvent::Reasoning {
                delta,
                starts_another,
                ..
            } => self.reasoning.push(delta, *starts_another),
            RunEvent::Message(
                MessageEvent::Completed(message) | MessageEvent::Replaced(message),
            ) => self.drop_partial_answer(message.id),
            RunEvent::Message(MessageEvent::Removed(id)) => self.drop_partial_answer(*id),
            RunEvent::Started(_)
            | RunEvent::Message(MessageEvent::Created(_))
            | RunEvent::ToolCall(_)
            | RunEvent::Item(_)
            | RunEvent::Conversation(_)
            | RunEvent::Aside(_)
            | RunEvent::Ended(_) => {}
        }
    }

    fn add_part(&mut self, id: ItemId, text: &str) {
        let mut known = self.partial_answers.iter_mut();
        match known.find(|(known, _)| *known == id) {
            Some((_, known)) => known.push_str(text),
            None => self.partial_answers.push((id, text.to_owned())),
        }
    }

    fn drop_partial_answer(&mut self, id: ItemId) {
        self.partial_answers.retain(|(known, _)| *known != id);
    }
}
