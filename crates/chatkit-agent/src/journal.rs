//! The process's own runs: one statement at a time keeps all their leases, and tells which were
//! lost and which are asked to stop.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chatkit_domain::{OwnedRun, Repositories, RunId, RunOwner};
use tokio::sync::watch;

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
}

#[derive(Debug)]
struct Entry {
    stop: watch::Sender<Option<Stop>>,
    /// Whether the database knows the run, so that it has a lease to keep.
    begun: bool,
}

/// A run that this process has taken up.
#[derive(Debug)]
pub(crate) struct EnteredRun {
    journal: Arc<Journal>,
    run: RunId,
    stop: watch::Receiver<Option<Stop>>,
}

impl EnteredRun {
    /// From now on the run's lease is kept.
    pub(crate) fn begun(&self) {
        if let Some(entry) = self.journal.lock().get_mut(&self.run) {
            entry.begun = true;
        }
    }

    /// What tells the run to stop.
    pub(crate) fn stop(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.clone()
    }
}

impl Drop for EnteredRun {
    fn drop(&mut self) {
        self.journal.lock().remove(&self.run);
    }
}

impl Journal {
    pub(crate) fn new(owner: RunOwner) -> Self {
        Self {
            owner,
            runs: Mutex::default(),
        }
    }

    pub(crate) fn owner(&self) -> RunOwner {
        self.owner
    }

    /// Takes a run up, before it begins: nothing that stops runs misses it. It is kept for as
    /// long as what is returned lives.
    pub(crate) fn enter(self: &Arc<Self>, run: RunId) -> EnteredRun {
        let (sender, stop) = watch::channel(None);
        let entry = Entry {
            stop: sender,
            begun: false,
        };
        self.lock().insert(run, entry);
        EnteredRun {
            journal: self.clone(),
            run,
            stop,
        }
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

    /// Keeps the leases, for ever.
    pub(crate) async fn keep_leases(&self, repositories: &Repositories) {
        let period = Duration::from_secs(1).min(self.owner.lease / 5);
        loop {
            tokio::time::sleep(period).await;
            let runs = self.begun_runs();
            if runs.is_empty() {
                continue;
            }
            match repositories.runs.extend_leases(self.owner, &runs).await {
                Ok(owned) => self.compare(&runs, &owned),
                // The leases may outlast the outage; the fence decides.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not extend the leases of the active runs"
                ),
            }
        }
    }

    fn compare(&self, runs: &[RunId], owned: &[OwnedRun]) {
        for run in runs {
            match owned.iter().find(|owned| owned.id == *run) {
                None => self.stop(*run, Stop::Lost),
                Some(owned) if owned.cancel_requested => self.stop(*run, Stop::Cancelled),
                Some(_) => {}
            }
        }
    }

    fn begun_runs(&self) -> Vec<RunId> {
        let runs = self.lock();
        let begun = runs.iter().filter(|(_, entry)| entry.begun);
        begun.map(|(run, _)| *run).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Entry>> {
        self.runs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
