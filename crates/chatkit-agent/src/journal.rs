//! The process's own runs: one statement at a time keeps all their leases and what they tell, and
//! says which were lost and which are asked to stop.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chatkit_domain::{
    BegunRun, EventBatch, FinishRun, FinishedRun, ItemId, OwnedRun, Repositories, RunEnd,
    RunErrorCode, RunEvent, RunId, RunOwner, closing_events, last_event_number,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::run_log::{Rest, RunLog};

/// How long an event waits at most for others to be stored with.
const EVENT_PERIOD: Duration = Duration::from_millis(250);

/// Why a run must stop before its answer is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its user asked for it.
    Cancelled,
    /// The process is stopping.
    Interrupted,
    /// It belongs to another process now, or has been closed.
    Lost,
}

/// The runs that this process answers.
#[derive(Debug)]
pub(crate) struct Journal {
    owner: RunOwner,
    runs: Mutex<HashMap<RunId, Entry>>,
    /// Wakes who stores events.
    told: Notify,
    /// Whether the last statement failed, so that the leases may be over.
    fails: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    stop: watch::Sender<Option<Stop>>,
    /// The answer that its text belongs to.
    message_id: ItemId,
    log: Arc<RunLog>,
    /// Whether the database knows the run, so that it has a lease to keep.
    begun: bool,
}

/// A run that this process has taken up.
#[derive(Debug)]
pub(crate) struct EnteredRun {
    journal: Arc<Journal>,
    run: RunId,
    message_id: ItemId,
    stop: watch::Receiver<Option<Stop>>,
    log: Arc<RunLog>,
}

impl EnteredRun {
    /// From now on the run's lease is kept.
    pub(crate) fn begun(&self) {
        if let Some(entry) = self.journal.lock().get_mut(&self.run) {
            entry.begun = true;
        }
    }

    /// Waits until the run is to stop.
    pub(crate) async fn stopped(&self) -> Stop {
        match self.stop.clone().wait_for(Option::is_some).await {
            Ok(reason) => reason.unwrap_or(Stop::Lost),
            // The journal holds the other side for as long as the run is active.
            Err(_) => Stop::Lost,
        }
    }

    /// What is known of it.
    pub(crate) fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// Tells those who follow it, and those who will.
    pub(crate) fn tell(&self, event: RunEvent) {
        self.log.push(event);
        self.journal.told.notify_one();
    }

    /// Tells how the run begins. A message that is answered again was told when it was new.
    pub(crate) fn tell_begin(&self, begun: &BegunRun) {
        self.tell(RunEvent::Started(Box::new(begun.run.clone())));
        if begun.user_message.run_id == Some(begun.run.id) {
            let message = Box::new(begun.user_message.clone());
            self.tell(RunEvent::MessageCreated(message));
        }
    }

    /// The id of the answer.
    pub(crate) fn message_id(&self) -> ItemId {
        self.message_id
    }

    /// The run's end with what is still to be stored of its events. None come behind it.
    pub(crate) fn with_events(&self, finish: FinishRun) -> FinishRun {
        let answer = finish.answer.as_ref();
        let is_interrupted = matches!(
            &finish.end,
            RunEnd::Failed(error) if error.code == RunErrorCode::Interrupted
        );
        let (events, before) = match self.log.seal() {
            Rest::Events(events, last) => (events, last),
            // It is retold with its text at once.
            Rest::Unseen(others) => {
                let has_text = answer.is_some_and(|answer| !answer.text.is_empty());
                (Vec::new(), others + u64::from(has_text))
            }
        };
        let last_event = last_event_number(before, is_interrupted, finish.may_have_answer());
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

    /// Tells how the run has ended.
    pub(crate) fn tell_end(&self, finished: &FinishedRun, last_event: u64) {
        let answer = finished.assistant_message.as_ref();
        let closing = closing_events(&finished.run, answer, last_event);
        self.log.end(closing);
    }

    /// Tells more of the answer's text.
    pub(crate) fn say(&self, text: String) {
        let message_id = self.message_id;
        self.tell(RunEvent::MessageDelta {
            message_id,
            part: None,
            text,
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
            told: Notify::new(),
            fails: AtomicBool::new(false),
        }
    }

    pub(crate) fn owner(&self) -> RunOwner {
        self.owner
    }

    /// Takes a run up, before it begins: nothing that stops runs misses it. It is kept for as
    /// long as what is returned lives.
    pub(crate) fn enter(self: &Arc<Self>, run: RunId, message_id: ItemId) -> EnteredRun {
        let (sender, stop) = watch::channel(None);
        let log = Arc::new(RunLog::behind(0));
        let entry = Entry {
            stop: sender,
            message_id,
            log: log.clone(),
            begun: false,
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

    /// What is known of a run, when this process answers it.
    pub(crate) fn log(&self, run: RunId) -> Option<Arc<RunLog>> {
        self.lock().get(&run).map(|entry| entry.log.clone())
    }

    /// Whether the leases may be over although this process lives.
    pub(crate) fn fails(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }

    /// Asks a run of this process to stop; the first reason stays.
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

    /// Keeps the leases and stores what is told, for ever.
    pub(crate) async fn keep(&self, repositories: &Repositories) {
        let period = Duration::from_secs(1).min(self.owner.lease / 5);
        loop {
            let last = Instant::now();
            tokio::select! {
                () = tokio::time::sleep_until(last + period) => {}
                // While the database is away, trying more often would only add to its load.
                // Others may follow; a turn that is over by then stores its events with its end.
                () = self.told.notified(), if !self.fails() => {
                    tokio::time::sleep(EVENT_PERIOD.min(period)).await;
                }
            }
            self.checkpoint(repositories).await;
        }
    }

    async fn checkpoint(&self, repositories: &Repositories) {
        let (runs, batches) = self.work();
        if runs.is_empty() {
            self.fails.store(false, Ordering::Relaxed);
            return;
        }
        let checkpoint = repositories.runs.checkpoint(self.owner, &runs, &batches);
        let result = checkpoint.await;
        self.fails.store(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(owned) => self.compare(&runs, &batches, &owned),
            // The leases may outlast the outage; the fence decides.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not extend the leases of the active runs"
            ),
        }
    }

    /// The runs whose leases to extend, and their events that are not stored yet.
    fn work(&self) -> (Vec<RunId>, Vec<EventBatch>) {
        let runs = self.lock();
        let begun = runs.iter().filter(|(_, entry)| entry.begun);
        let (mut ids, mut batches) = (Vec::new(), Vec::new());
        for (run, entry) in begun {
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
        let kept = batches
            .iter()
            .filter(|batch| owned.contains_key(&batch.run_id));
        for batch in kept {
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
