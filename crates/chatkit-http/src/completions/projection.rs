//! The text of a run as one stream, for chat completions.

use std::collections::VecDeque;

use chatkit_domain::{ItemId, MessageEvent, PARAGRAPH, RunEvent, RunId};

/// Projects the events of a run to pieces of text. The pieces form the run's messages, with a blank
/// line between two.
#[derive(Debug)]
pub(super) struct AnswerText {
    run: RunId,
    /// Pieces that were not taken yet.
    pieces: VecDeque<String>,
    /// The text so far of each message. The last message was written last.
    messages: Vec<(ItemId, String)>,
}

impl AnswerText {
    pub(super) fn new(run: RunId) -> Self {
        Self {
            run,
            pieces: VecDeque::new(),
            messages: Vec::new(),
        }
    }

    /// Takes the next piece.
    pub(super) fn take(&mut self) -> Option<String> {
        self.pieces.pop_front()
    }

    /// Projects an event. The client keeps text that another message replaces or that is withdrawn.
    pub(super) fn project(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Text { item, delta, .. } => self.append(*item, delta),
            // A message that is written at once, or the rest of one.
            RunEvent::Message(
                MessageEvent::Completed(message) | MessageEvent::Replaced(message),
            ) if message.run_id == Some(self.run) => {
                let known = self.messages.iter().find(|(id, _)| *id == message.id);
                let known = known.map_or("", |(_, text)| text.as_str());
                if let Some(rest) = message.content.strip_prefix(known) {
                    let rest = rest.to_owned();
                    self.append(message.id, &rest);
                }
            }
            _ => {}
        }
    }

    fn append(&mut self, id: ItemId, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let index = self.messages.iter().position(|(known, _)| *known == id);
        let mut text = index.map_or_else(String::new, |index| self.messages.remove(index).1);
        let is_another = index.is_none_or(|index| index < self.messages.len());
        if is_another && !self.messages.is_empty() {
            self.pieces.push_back(PARAGRAPH.to_owned());
        }
        text.push_str(piece);
        self.messages.push((id, text));
        self.pieces.push_back(piece.to_owned());
    }
}
