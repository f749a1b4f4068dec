//! Reads the events of followed runs that other processes answer. One loop serves all followers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use chatkit_domain::{EventCursor, Repositories, RepositoryError, RunId};
use tokio::sync::Notify;

use super::run_log::RunLog;

/// The time between two reads.
const PERIOD: Duration = Duration::from_millis(200);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The logs of followed runs of other processes.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// Only the followers keep a log alive.
    runs: Mutex<HashMap<RunId, Weak<RunLog>>>,
    has_runs: Notify,
}

impl Feed {
    /// Returns the log of a run that starts after the event `after`. The caller must have read all
    /// events up to there. The feed fills the log as long as a follower holds it. A log that other
    /// followers share may start earlier. It starts later only if more events have been stored
    /// since.
    pub(crate) fn follow(&self, run: RunId, after: u64) -> Arc<RunLog> {
        let mut runs = self.lock();
        if let Some(log) = runs.get(&run).and_then(Weak::upgrade) {
            log.reach_back(after);
            return log;
        }
        let log = Arc::new(RunLog::starting_after(after));
        runs.insert(run, Arc::downgrade(&log));
        self.has_runs.notify_one();
        log
    }

    /// Reads new events. Never returns.
    pub(crate) async fn run(&self, repositories: &Repositories) {
        loop {
            let logs = self.followed();
            if logs.is_empty() {
                self.has_runs.notified().await;
                continue;
            }
            let pause = match self.read_once(repositories, logs).await {
                Ok(()) => PERIOD,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "could not read the events of runs of other processes"
                    );
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn read_once(
        &self,
        repositories: &Repositories,
        logs: HashMap<RunId, Arc<RunLog>>,
    ) -> Result<(), RepositoryError> {
        let cursors: Vec<EventCursor> = logs
            .iter()
            .map(|(run_id, log)| EventCursor {
                run_id: *run_id,
                after: log.last(),
            })
            .collect();
        let mut news: HashMap<_, _> = repositories
            .journal
            .news(&cursors)
            .await?
            .into_iter()
            .map(|news| (news.run_id, news))
            .collect();
        for EventCursor { run_id, after } in cursors {
            let news = news.remove(&run_id);
            let Some(log) = logs.get(&run_id) else {
                continue;
            };
            let is_active = news.as_ref().is_some_and(|news| news.is_active);
            if let Some(news) = news.filter(|news| news.last > after) {
                log.extend_stored(after, news.events, news.last);
            }
            if !is_active {
                // Each follower reads the end of the run from the repositories.
                log.leave();
                self.lock().remove(&run_id);
            }
        }
        Ok(())
    }

    /// Returns the runs that still have followers.
    fn followed(&self) -> HashMap<RunId, Arc<RunLog>> {
        let mut runs = self.lock();
        runs.retain(|_, log| log.strong_count() > 0);
        runs.iter()
            .filter_map(|(run, log)| Some((*run, log.upgrade()?)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Weak<RunLog>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
