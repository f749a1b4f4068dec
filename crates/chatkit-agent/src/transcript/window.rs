//! The part of a conversation that the model receives. It moves in steps, so that most requests
//! start with the complete previous request, which the provider can serve from its prompt cache.

use std::sync::Arc;

use chatkit_domain::Item;

use super::input::{input_of, is_user_message, model_input};
use crate::provider::InputItem;

/// The newest items of a conversation, starting at a user message.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    items: Arc<[Item]>,
    /// The length of each item as model input, in characters.
    lengths: Vec<usize>,
    /// The index of the first item that the model receives.
    start: usize,
    /// The index of the newest user message, which is always in the window.
    newest: usize,
    max_result_chars: usize,
}

impl Window {
    /// Creates the window of a new run. It starts where the previous run's window started. As long
    /// as it does not fit, its oldest half is dropped.
    pub(crate) fn new(
        items: Vec<Item>,
        stored_start: Option<u64>,
        (max_messages, max_chars): (usize, usize),
        max_result_chars: usize,
    ) -> Self {
        let lengths = items
            .iter()
            .map(|item| {
                input_of(item, max_result_chars)
                    .iter()
                    .map(InputItem::length)
                    .sum()
            })
            .collect();
        let newest = items.iter().rposition(is_user_message).unwrap_or_default();
        let mut window = Self {
            items: items.into(),
            lengths,
            start: 0,
            newest,
            max_result_chars,
        };
        let stored = stored_start.and_then(|start| {
            let mut items = window.items.iter();
            let index = items.position(|item| item.sequence_number() >= start);
            index.filter(|index| *index <= newest)
        });
        window.start = window.next_user_message(stored.unwrap_or_default());
        while window.start < newest && !window.fits(max_messages, max_chars) {
            window.drop_half();
        }
        window
    }

    /// Returns the items as model input.
    pub(crate) fn input(&self) -> Vec<InputItem> {
        model_input(&self.items[self.start..], self.max_result_chars)
    }

    /// Returns the sequence number of the first item.
    pub(crate) fn start(&self) -> Option<u64> {
        Some(self.items.get(self.start)?.sequence_number())
    }

    /// Whether the window contains only the newest user message and later items.
    pub(crate) fn is_newest_only(&self) -> bool {
        self.start >= self.newest
    }

    /// Drops all items before the newest user message.
    pub(crate) fn keep_newest_only(&mut self) {
        self.start = self.newest;
    }

    /// Drops the oldest items, so that about half of the request remains. `fixed` is the length of
    /// the rest of the request, in characters.
    pub(crate) fn halve(&mut self, fixed: usize) {
        let length = |start: usize| fixed + self.lengths[start..].iter().sum::<usize>();
        let half = length(self.start) / 2;
        let later = self.start + 1..=self.newest;
        let starts = later.filter(|index| is_user_message(&self.items[*index]));
        let closest = starts.min_by_key(|start| length(*start).abs_diff(half));
        self.start = closest.unwrap_or(self.newest);
    }

    fn fits(&self, max_messages: usize, max_chars: usize) -> bool {
        let chars: usize = self.lengths[self.start..].iter().sum();
        self.messages() <= max_messages && chars <= max_chars
    }

    fn messages(&self) -> usize {
        let items = self.items[self.start..].iter();
        items
            .filter(|item| matches!(item, Item::Message(_)))
            .count()
    }

    fn drop_half(&mut self) {
        let half = (self.messages() / 2).max(1);
        let mut messages = (self.start..self.items.len())
            .filter(|index| matches!(self.items[*index], Item::Message(_)));
        let middle = messages.nth(half);
        self.start = self.next_user_message(middle.unwrap_or(self.newest));
    }

    /// Returns the index of the next user message at or after this index. Never exceeds the newest
    /// one.
    fn next_user_message(&self, index: usize) -> usize {
        let mut indexes = index..self.newest;
        let found = indexes.find(|index| is_user_message(&self.items[*index]));
        found.unwrap_or(self.newest)
    }
}
