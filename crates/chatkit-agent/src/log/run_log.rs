//! The newest events of a run in memory. Followers share the events, and each follower reads at its
//! own pace.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chatkit_domain::{NumberedEvent, RunEvent};
use tokio::sync::watch;

use super::size::size;

/// The approximate size of stored events that a log holds for followers, in bytes. A follower that
/// falls further behind reads from the repositories.
const WINDOW_BYTES: usize = 128 * 1024;

/// The newest events of a run.
#[derive(Debug)]
pub(crate) struct RunLog {
    state: Mutex<RunLogState>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct RunLogState {
    events: VecDeque<Arc<NumberedEvent>>,
    bytes: usize,
    /// The number of the newest event that the log no longer holds.
    dropped: u64,
    /// The number of the newest event.
    last: u64,
    /// The number of the newest event that is known to be stored.
    stored: u64,
    /// Whether a follower may have seen the numbers of events. If so, they must not change.
    seen: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// The run is ending. No other event precedes its closing events.
    Sealed,
    /// The run has ended with these closing events.
    Ended(Vec<Arc<NumberedEvent>>),
    /// Only the repositories know how the run continues.
    Left,
}

/// The result of reading a log.
#[derive(Debug)]
pub(crate) enum Read {
    /// The next events. More may follow.
    Events(Vec<Arc<NumberedEvent>>),
    /// The next events, including the closing events of the run.
    Last(Vec<Arc<NumberedEvent>>),
    /// There is no new event yet.
    Nothing,
    /// The log no longer holds the next event.
    Behind,
    /// The next events are in the repositories.
    Elsewhere,
}

/// The events of a log that must be stored with the run's end.
#[derive(Debug)]
pub(crate) enum Unflushed {
    /// The events that are not stored yet, and the number of the newest event.
    Events(Vec<Arc<NumberedEvent>>, u64),
    /// No events, because no follower has seen a number and the events can be rebuilt. Contains the
    /// number of events other than text.
    Rebuildable(u64),
}

impl RunLog {
    /// Creates a log that starts after the event with this number. 0 is the start of the run.
    pub(crate) fn starting_after(number: u64) -> Self {
        Self {
            state: Mutex::new(RunLogState {
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

    /// Appends an event with the next number.
    pub(crate) fn append(&self, event: RunEvent) {
        let mut state = self.lock();
        let number = state.last + 1;
        state.add(Arc::new(NumberedEvent { number, event }));
        drop(state);
        self.changed.send_replace(());
    }

    /// Appends stored events: all that follow `after`, up to `last`. Does nothing if the log has moved
    /// since.
    pub(crate) fn extend_stored(&self, after: u64, events: Vec<Arc<NumberedEvent>>, last: u64) {
        let mut state = self.lock();
        if state.last != after {
            return;
        }
        for event in events {
            if event.number > state.last {
                state.add(event);
            }
        }
        state.last = state.last.max(last);
        state.stored = state.last;
        state.trim();
        drop(state);
        self.changed.send_replace(());
    }

    /// Moves the start of the log back if it is still empty.
    pub(crate) fn reach_back(&self, after: u64) {
        let mut state = self.lock();
        if state.events.is_empty() && after < state.last && state.dropped == state.last {
            state.dropped = after;
            state.last = after;
            state.stored = after;
        }
    }

    /// Returns the events that are not stored yet. Returns none after the log is sealed.
    pub(crate) fn unstored(&self) -> Vec<Arc<NumberedEvent>> {
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

    /// Keeps the numbers of events from now on. The end of the run must then store the events.
    pub(crate) fn keep_numbers(&self) {
        self.lock().seen = true;
    }

    /// Records that all events up to this number are stored.
    pub(crate) fn stored(&self, number: u64) {
        let mut state = self.lock();
        state.stored = state.stored.max(number);
        state.trim();
    }

    /// Seals the log. Only the closing events of the run may follow.
    pub(crate) fn seal(&self) -> Unflushed {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Sealed;
        }
        if state.seen {
            return Unflushed::Events(state.after(state.stored), state.last);
        }
        let is_rebuilt = |event: &&Arc<NumberedEvent>| {
            matches!(
                event.event,
                RunEvent::Started(_) | RunEvent::Message(_) | RunEvent::ToolCall(_)
            )
        };
        Unflushed::Rebuildable(state.events.iter().filter(is_rebuilt).count() as u64)
    }

    /// Ends the log with these closing events. All events are stored.
    pub(crate) fn end(&self, closing: Vec<Arc<NumberedEvent>>) {
        let mut state = self.lock();
        state.phase = Phase::Ended(closing);
        state.stored = state.last;
        state.trim();
        drop(state);
        self.changed.send_replace(());
    }

    /// Records that only the repositories know how the run continues. Does nothing after the run's
    /// end.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Ended(_)) {
            state.phase = Phase::Left;
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Reads the events after this number.
    pub(crate) fn read(&self, after: u64) -> Read {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Left) {
            return Read::Elsewhere;
        }
        if !state.seen {
            match state.phase {
                Phase::Sealed => return Read::Nothing,
                // The events were not stored, and rebuilt events have other numbers.
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

    /// Returns the number of the newest event.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Returns a signal that more events may be available.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, RunLogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunLogState {
    fn add(&mut self, event: Arc<NumberedEvent>) {
        self.last = event.number;
        self.bytes += size(&event.event);
        self.events.push_back(event);
    }

    fn after(&self, number: u64) -> Vec<Arc<NumberedEvent>> {
        let start = self.events.partition_point(|event| event.number <= number);
        self.events.range(start..).cloned().collect()
    }

    fn trim(&mut self) {
        while self.bytes > WINDOW_BYTES
            && let Some(event) = self
                .events
                .pop_front_if(|event| event.number <= self.stored)
        {
            self.bytes -= size(&event.event);
            self.dropped = event.number;
        }
    }
}

#[cfg(test)]
mod tests {
    use chatkit_domain::ItemId;
    use uuid::Uuid;

    use super::*;

    fn thought(text: &str) -> RunEvent {
        RunEvent::Reasoning {
            message: ItemId::new(Uuid::nil()),
            item: ItemId::new(Uuid::nil()),
            delta: text.to_owned(),
            starts_another: false,
        }
    }

    fn emit(log: &RunLog, text: &str) {
        log.append(thought(text));
    }

    fn numbers(events: &[Arc<NumberedEvent>]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn a_reader_continues_after_its_last_event() {
        let log = RunLog::starting_after(0);
        assert!(matches!(log.read(0), Read::Nothing));
        emit(&log, "a");
        emit(&log, "b");
        match log.read(1) {
            Read::Events(events) => assert_eq!(numbers(&events), [2]),
            other => panic!("{other:?}"),
        }
        assert!(matches!(log.read(2), Read::Nothing));
        match log.seal() {
            Unflushed::Events(events, 2) => assert_eq!(numbers(&events), [1, 2]),
            other => panic!("{other:?}"),
        }
        let event = thought("");
        log.end(vec![Arc::new(NumberedEvent { number: 3, event })]);
        match log.read(1) {
            Read::Last(events) => assert_eq!(numbers(&events), [2, 3]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_stored_events_are_dropped() {
        let log = RunLog::starting_after(0);
        let text = "x".repeat(WINDOW_BYTES / 4);
        for _ in 0..20 {
            emit(&log, &text);
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
    fn unseen_events_are_not_stored() {
        let log = RunLog::starting_after(0);
        emit(&log, "a");
        assert!(matches!(log.seal(), Unflushed::Rebuildable(0)));
        // A new follower must not see numbers that will change.
        assert!(matches!(log.read(0), Read::Nothing));
        log.end(Vec::new());
        assert!(matches!(log.read(0), Read::Elsewhere));
    }

    #[test]
    fn events_that_may_be_stored_keep_their_numbers() {
        let log = RunLog::starting_after(0);
        emit(&log, "a");
        assert_eq!(log.unstored().len(), 1);
        // The event may or may not have been stored.
        assert!(matches!(log.seal(), Unflushed::Events(events, 1) if events.len() == 1));
    }

    #[test]
    fn an_empty_log_moves_back_and_ignores_earlier_reads() {
        let log = RunLog::starting_after(20);
        log.reach_back(3);
        assert_eq!(log.last(), 3);
        let event = thought("");
        // These events were read after 20, before the log moved back.
        let late = vec![Arc::new(NumberedEvent { number: 21, event })];
        log.extend_stored(20, late.clone(), 21);
        assert!(matches!(log.read(3), Read::Nothing));
        log.extend_stored(3, late, 21);
        assert!(matches!(log.read(3), Read::Events(events) if events.len() == 1));
        log.reach_back(0);
        assert!(matches!(log.read(0), Read::Behind));
    }
}
