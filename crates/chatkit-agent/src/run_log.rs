//! What this process knows of a run that is being answered: those who follow it read from here,
//! each at their own pace. A reader costs its place in the log and nothing more.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chatkit_domain::{NumberedEvent, RunEvent};
use serde_json::Value;
use tokio::sync::watch;

/// How much of a log is held for readers beyond what is not stored yet, in bytes: who is farther
/// behind reads what is stored.
const WINDOW_BYTES: usize = 128 * 1024;

/// About what an event takes beside its text, in bytes.
const EVENT_BYTES: usize = 96;

/// The newest events of a run.
#[derive(Debug)]
pub(crate) struct RunLog {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    events: VecDeque<NumberedEvent>,
    bytes: usize,
    /// The newest event that is held no more.
    dropped: u64,
    /// The newest event.
    last: u64,
    /// The newest event that is known to be stored.
    stored: u64,
    /// Whether somebody may know events by their numbers, which must stay then.
    seen: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// The run is being ended; nothing comes before its end any more.
    Sealed,
    /// The run has ended with these events.
    Ended(Vec<NumberedEvent>),
    /// What comes of the run is known elsewhere only.
    Left,
}

/// What a reader finds.
#[derive(Debug)]
pub(crate) enum Read {
    /// Events that follow those it has.
    Events(Vec<NumberedEvent>),
    /// The same, up to the run's end.
    Last(Vec<NumberedEvent>),
    /// Nothing yet.
    Nothing,
    /// What it needs next is held no more.
    Behind,
    /// What it needs next stands in the repositories.
    Elsewhere,
}

/// What a run's end has to store of its log.
#[derive(Debug)]
pub(crate) enum Rest {
    /// Events that are not stored yet, and the number of the newest event.
    Events(Vec<NumberedEvent>, u64),
    /// Nothing, as nobody has seen a number: the run can be retold. How many of its events are no
    /// text.
    Unseen(u64),
}

impl RunLog {
    /// A log that begins behind this event; 0 for the run's beginning.
    pub(crate) fn behind(number: u64) -> Self {
        Self {
            state: Mutex::new(State {
                events: VecDeque::new(),
                bytes: 0,
                dropped: number,
                last: number,
                stored: number,
                seen: false,
                phase: Phase::Open,
            }),
            changed: watch::Sender::new(()),
        }
    }

    /// Appends what has happened, under the next number.
    pub(crate) fn push(&self, event: RunEvent) {
        let mut state = self.lock();
        let number = state.last + 1;
        state.add(NumberedEvent { number, event });
        drop(state);
        self.changed.send_replace(());
    }

    /// Appends events that are stored, all that are behind this one; nothing when the log has
    /// moved meanwhile.
    pub(crate) fn extend_stored(&self, after: u64, events: Vec<NumberedEvent>) {
        let mut state = self.lock();
        if state.last != after {
            return;
        }
        for event in events {
            if event.number > state.last {
                state.add(event);
            }
        }
        state.stored = state.last;
        state.trim();
        drop(state);
        self.changed.send_replace(());
    }

    /// Begins farther back, if nothing is there yet.
    pub(crate) fn reach_back(&self, after: u64) {
        let mut state = self.lock();
        if state.events.is_empty() && after < state.last && state.dropped == state.last {
            state.dropped = after;
            state.last = after;
            state.stored = after;
        }
    }

    /// The events to store that are not stored yet, until the log is sealed.
    pub(crate) fn unstored(&self) -> Vec<NumberedEvent> {
        let mut state = self.lock();
        match state.phase {
            Phase::Open => {
                let events = state.after(state.stored);
                state.seen |= !events.is_empty();
                events
            }
            Phase::Sealed | Phase::Ended(_) | Phase::Left => Vec::new(),
        }
    }

    /// From now on the run cannot be retold in other words.
    pub(crate) fn keep_numbers(&self) {
        self.lock().seen = true;
    }

    /// Takes note that events up to this one are stored.
    pub(crate) fn stored(&self, number: u64) {
        let mut state = self.lock();
        state.stored = state.stored.max(number);
        state.trim();
    }

    /// Seals the log: nothing comes any more before the run's end.
    pub(crate) fn seal(&self) -> Rest {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Sealed;
        }
        if state.seen {
            return Rest::Events(state.after(state.stored), state.last);
        }
        let is_retold = |event: &&NumberedEvent| {
            !matches!(
                event.event,
                RunEvent::MessageDelta { .. }
                    | RunEvent::ReasoningDelta { .. }
                    | RunEvent::ChatKit(_)
            )
        };
        Rest::Unseen(state.events.iter().filter(is_retold).count() as u64)
    }

    /// The run has ended, and everything is stored.
    pub(crate) fn end(&self, closing: Vec<NumberedEvent>) {
        let mut state = self.lock();
        state.phase = Phase::Ended(closing);
        state.stored = state.last;
        state.trim();
        drop(state);
        self.changed.send_replace(());
    }

    /// From now on only the repositories know what becomes of the run; nothing after its end.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Ended(_)) {
            state.phase = Phase::Left;
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Reads what follows an event.
    pub(crate) fn read(&self, after: u64) -> Read {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Left) {
            return Read::Elsewhere;
        }
        if !state.seen {
            match state.phase {
                Phase::Sealed => return Read::Nothing,
                // Its events were not stored, and will be retold under other numbers.
                Phase::Ended(_) | Phase::Left => return Read::Elsewhere,
                Phase::Open => state.seen = true,
            }
        }
        if after < state.dropped {
            return Read::Behind;
        }
        let mut events = state.after(after);
        if let Phase::Ended(closing) = &state.phase {
            let closing = closing.iter().filter(|event| event.number > after);
            events.extend(closing.cloned());
            return Read::Last(events);
        }
        if events.is_empty() {
            Read::Nothing
        } else {
            Read::Events(events)
        }
    }

    /// The newest event.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Tells when there may be more to read.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, event: NumberedEvent) {
        self.last = event.number;
        self.bytes += size(&event);
        self.events.push_back(event);
    }

    fn after(&self, number: u64) -> Vec<NumberedEvent> {
        let begin = self.events.partition_point(|event| event.number <= number);
        self.events.range(begin..).cloned().collect()
    }

    fn trim(&mut self) {
        while self.bytes > WINDOW_BYTES
            && let Some(event) = self
                .events
                .pop_front_if(|event| event.number <= self.stored)
        {
            self.bytes -= size(&event);
            self.dropped = event.number;
        }
    }
}

fn size(event: &NumberedEvent) -> usize {
    EVENT_BYTES
        + match &event.event {
            RunEvent::MessageDelta { text, .. } | RunEvent::ReasoningDelta { text, .. } => {
                text.len()
            }
            RunEvent::ChatKit(json) => json.len(),
            RunEvent::ItemRemoved { .. } => 0,
            RunEvent::MessageCreated(message) | RunEvent::MessageCompleted(message) => {
                let details = message.details.as_ref();
                message.content.len() + details.map_or(0, |details| details.parts.len())
            }
            RunEvent::ToolCallStarted(call) | RunEvent::ToolCallCompleted(call) => {
                let arguments = call.arguments.values().map(json_size).sum::<usize>();
                arguments + call.result.as_ref().map_or(0, json_size)
            }
            RunEvent::Started(_) | RunEvent::Ended(_) => 512,
        }
}

/// About what a value takes, in bytes.
fn json_size(value: &Value) -> usize {
    let own = size_of::<Value>();
    own + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(json_size).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| name.len() + json_size(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use chatkit_domain::ItemId;
    use uuid::Uuid;

    use super::*;

    fn thought(text: &str) -> RunEvent {
        RunEvent::ReasoningDelta {
            message_id: ItemId::new(Uuid::nil()),
            item_id: ItemId::new(Uuid::nil()),
            text: text.to_owned(),
            starts_another: false,
        }
    }

    fn say(log: &RunLog, text: &str) {
        log.push(thought(text));
    }

    fn numbers(events: &[NumberedEvent]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let log = RunLog::behind(0);
        assert!(matches!(log.read(0), Read::Nothing));
        say(&log, "a");
        say(&log, "b");
        match log.read(1) {
            Read::Events(events) => assert_eq!(numbers(&events), [2]),
            other => panic!("{other:?}"),
        }
        assert!(matches!(log.read(2), Read::Nothing));
        match log.seal() {
            Rest::Events(events, 2) => assert_eq!(numbers(&events), [1, 2]),
            other => panic!("{other:?}"),
        }
        let event = thought("");
        log.end(vec![NumberedEvent { number: 3, event }]);
        match log.read(1) {
            Read::Last(events) => assert_eq!(numbers(&events), [2, 3]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_stored_is_dropped() {
        let log = RunLog::behind(0);
        let text = "x".repeat(WINDOW_BYTES / 4);
        for _ in 0..20 {
            say(&log, &text);
        }
        assert_eq!(log.unstored().len(), 20);
        log.stored(10);
        assert!(matches!(log.read(9), Read::Behind));
        assert!(matches!(log.read(10), Read::Events(events) if events.len() == 10));
        log.stored(20);
        assert!(log.unstored().is_empty());
        assert!(log.lock().bytes <= WINDOW_BYTES);
        assert!(matches!(log.read(16), Read::Behind));
        assert!(matches!(log.read(19), Read::Events(events) if events.len() == 1));
    }

    #[test]
    fn what_nobody_has_seen_is_not_stored() {
        let log = RunLog::behind(0);
        say(&log, "a");
        assert!(matches!(log.seal(), Rest::Unseen(0)));
        // Who comes now must not see numbers that nobody will know.
        assert!(matches!(log.read(0), Read::Nothing));
        log.end(Vec::new());
        assert!(matches!(log.read(0), Read::Elsewhere));
    }

    #[test]
    fn what_is_on_its_way_to_be_stored_is_not_retold() {
        let log = RunLog::behind(0);
        say(&log, "a");
        assert_eq!(log.unstored().len(), 1);
        // Whether it was stored is not known.
        assert!(matches!(log.seal(), Rest::Events(events, 1) if events.len() == 1));
    }

    #[test]
    fn an_empty_log_reaches_back_and_takes_nothing_from_before() {
        let log = RunLog::behind(20);
        log.reach_back(3);
        assert_eq!(log.last(), 3);
        let event = thought("");
        // Read behind 20, before the log reached back.
        let late = vec![NumberedEvent { number: 21, event }];
        log.extend_stored(20, late.clone());
        assert!(matches!(log.read(3), Read::Nothing));
        log.extend_stored(3, late);
        assert!(matches!(log.read(3), Read::Events(events) if events.len() == 1));
        log.reach_back(0);
        assert!(matches!(log.read(0), Read::Behind));
    }
}
