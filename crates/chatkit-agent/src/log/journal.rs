//! The runs that this process answers. A periodic checkpoint extends their leases, stores their
//! events, and reports lost runs and requests to stop.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chatkit_domain::{
    EventBatch, FinishRun, FinishedRun, ItemId, MessageEvent, OwnedRun, Repositories, RunEvent,
    RunId, RunOwner, StartedRun, closing_events, last_event_number,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::run_log::{RunLog, Unflushed};

/// The longest time that an event waits to be stored together with others.
const EVENT_PERIOD: Duration = Duration::from_millis(250);

/// The reason why a run must stop before its answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user stopped the run.
    Cancelled,
    /// The process is stopping.
    Interrupted,
    /// The run belongs to another process now, or was closed.
    Lost,
}

/// The runs that this process answers.
#[derive(Debug)]
pub(crate) struct Journal {
    owner: RunOwner,
    runs: Mutex<HashMap<RunId, Entry>>,
    /// Wakes the task that stores events.
    emitted: Notify,
    /// Whether the last checkpoint failed. If so, the leases may have expired.
    is_failing: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    stop: watch::Sender<Option<Stop>>,
    /// The answer to which the text belongs.
    message_id: ItemId,
    log: Arc<RunLog>,
    /// Whether the run is stored. If so, it has a lease to extend.
    is_started: bool,
}

/// A run in the journal. Dropping it removes the run.
#[derive(Debug)]
pub(crate) struct EnteredRun {
    journal: Arc<Journal>,
    run: RunId,
    message_id: ItemId,
    stop: watch::Receiver<Option<Stop>>,
    log: Arc<RunLog>,
}

impl EnteredRun {
    /// Marks the run as stored. From now on, checkpoints extend its lease.
    pub(crate) fn set_started(&self) {
        if let Some(entry) = self.journal.lock().get_mut(&self.run) {
            entry.is_started = true;
        }
    }

    /// Waits until the run must stop.
    pub(crate) async fn stopped(&self) -> Stop {
        match self.stop.clone().wait_for(Option::is_some).await {
            Ok(reason) => reason.unwrap_or(Stop::Lost),
            // The journal holds the sender as long as the run is active.
            Err(_) => Stop::Lost,
        }
    }

    /// Returns the run's log.
    pub(crate) fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// Emits an event to current and future followers.
    pub(crate) fn emit(&self, event: RunEvent) {
        self.log.append(event);
        self.journal.emitted.notify_one();
    }

    /// Emits the start of the run, and the user's message unless it is answered again.
    pub(crate) fn emit_start(&self, started: &StartedRun) {
        self.emit(RunEvent::Started(Box::new(started.run.clone())));
        if started.user_message.run_id == Some(started.run.id) {
            let message = Box::new(started.user_message.clone());
            self.emit(RunEvent::Message(MessageEvent::Created(message)));
        }
    }

    /// Returns the id of the answer.
    pub(crate) fn message_id(&self) -> ItemId {
        self.message_id
    }

    /// Adds the events that are not stored yet to the run's end. No more events may follow.
    /// `emits_answer` says whether the closing events contain the answer.
    pub(crate) fn with_events(&self, finish: FinishRun, emits_answer: bool) -> FinishRun {
        let answer = finish.answer.as_ref();
        let is_interrupted = finish.is_interrupted();
        let (events, before) = match self.log.seal() {
            Unflushed::Events(events, last) => (events, last),
            // Rebuilt events contain the text in one piece.
            Unflushed::Rebuildable(others) => {
                let has_text = answer.is_some_and(|answer| !answer.text.is_empty());
                (Vec::new(), others + u64::from(has_text))
            }
        };
        let last_event = last_event_number(before, is_interrupted, emits_answer);
        FinishRun {
            events: (!events.is_empty()).then(|| EventBatch {
                run_id: self.run,
                message_id: self.message_id,
                events,
            }),
            last_event,
            ..finish
        }
    }

    /// Emits the end of the run.
    pub(crate) fn emit_end(&self, finished: &FinishedRun, last_event: u64) {
        let answer = finished.assistant_message.as_ref();
        let closing = closing_events(&finished.run, answer, last_event, self.log.last());
        self.log.end(closing);
    }

    /// Emits more of the answer's text.
    pub(crate) fn emit_text(&self, delta: String) {
        self.emit(RunEvent::Text {
            item: self.message_id,
            part: None,
            delta,
        });
    }
}

impl Drop for EnteredRun {
    fn drop(&mut self) {
        self.journal.lock().remove(&self.run);
        self.log.leave();
    }
}

impl Journal {
    pub(crate) fn new(owner: RunOwner) -> Self {
        Self {
            owner,
            runs: Mutex::default(),
            emitted: Notify::new(),
            is_failing: AtomicBool::new(false),
        }
    }

    pub(crate) fn owner(&self) -> RunOwner {
        self.owner
    }

    /// Adds a run before it starts, so that no request to stop is lost. Dropping the returned value
    /// removes the run.
    pub(crate) fn enter(self: &Arc<Self>, run: RunId, message_id: ItemId) -> EnteredRun {
        let (sender, stop) = watch::channel(None);
        let log = Arc::new(RunLog::starting_after(0));
        let entry = Entry {
            stop: sender,
            message_id,
            log: log.clone(),
            is_started: false,
        };
        self.lock().insert(run, entry);
        EnteredRun {
            journal: self.clone(),
            run,
            message_id,
            stop,
            log,
        }
    }

    /// Returns the log of a run if this process answers it.
    pub(crate) fn log(&self, run: RunId) -> Option<Arc<RunLog>> {
        self.lock().get(&run).map(|entry| entry.log.clone())
    }

    /// Whether the leases may have expired although this process is alive.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Asks a run of this process to stop. The first reason wins.
    pub(crate) fn stop(&self, run: RunId, reason: Stop) {
        if let Some(entry) = self.lock().get(&run) {
            entry
                .stop
                .send_if_modified(|stop| stop.is_none() && stop.replace(reason).is_none());
        }
    }

    /// Asks every run to stop.
    pub(crate) fn stop_all(&self, reason: Stop) {
        let runs: Vec<RunId> = self.lock().keys().copied().collect();
        for run in runs {
            self.stop(run, reason);
        }
    }

    /// Extends the leases and stores events. Never returns.
    pub(crate) async fn run(&self, repositories: &Repositories) {
        let period = Duration::from_secs(1).min(self.owner.lease / 5);
        loop {
            let last = Instant::now();
            tokio::select! {
                () = tokio::time::sleep_until(last + period) => {}
                // While the database is unavailable, more attempts would only add to its load, so
                // events are collected. If a run ends in the meantime, they are stored with its
                // end.
                () = self.emitted.notified(), if !self.is_failing() => {
                    tokio::time::sleep(EVENT_PERIOD.min(period)).await;
                }
            }
            self.checkpoint(repositories).await;
        }
    }

    async fn checkpoint(&self, repositories: &Repositories) {
        let (runs, batches) = self.work();
        if runs.is_empty() {
            self.is_failing.store(false, Ordering::Relaxed);
            return;
        }
        let checkpoint = repositories.journal.checkpoint(self.owner, &runs, &batches);
        let result = checkpoint.await;
        self.is_failing.store(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(owned) => self.compare(&runs, &batches, &owned),
            // The leases may outlast the outage. If not, the fence rejects later writes.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not extend the leases of the active runs"
            ),
        }
    }

    /// Returns the started runs, and their events that are not stored yet.
    fn work(&self) -> (Vec<RunId>, Vec<EventBatch>) {
        let runs = self.lock();
        let started = runs.iter().filter(|(_, entry)| entry.is_started);
        let (mut ids, mut batches) = (Vec::new(), Vec::new());
        for (run, entry) in started {
            ids.push(*run);
            let events = entry.log.unstored();
            if !events.is_empty() {
                batches.push(EventBatch {
                    run_id: *run,
                    message_id: entry.message_id,
                    events,
                });
            }
        }
        (ids, batches)
    }

    fn compare(&self, runs: &[RunId], batches: &[EventBatch], owned: &[OwnedRun]) {
        let owned: HashMap<RunId, bool> = owned
            .iter()
            .map(|owned| (owned.id, owned.cancel_requested))
            .collect();
        for run in runs {
            match owned.get(run) {
                None => self.stop(*run, Stop::Lost),
                Some(true) => self.stop(*run, Stop::Cancelled),
                Some(false) => {}
            }
        }
        let stored = batches
            .iter()
            .filter(|batch| owned.contains_key(&batch.run_id));
        for batch in stored {
            if let (Some(log), Some(last)) = (self.log(batch.run_id), batch.events.last()) {
                log.stored(last.number);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Entry>> {
        self.runs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
