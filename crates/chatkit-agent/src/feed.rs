//! The runs of other processes that are followed here: one loop reads them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use chatkit_domain::{EventCursor, Repositories, RepositoryError, RunId};
use tokio::sync::Notify;

use crate::run_log::RunLog;

/// How often they are looked at.
const PERIOD: Duration = Duration::from_millis(200);

/// How long to wait behind a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The runs of other processes that somebody follows.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// Held by those who follow.
    runs: Mutex<HashMap<RunId, Weak<RunLog>>>,
    begun: Notify,
}

impl Feed {
    /// What becomes known of a run behind this event, behind which nothing was stored just now; for
    /// as long as the log is held. It may reach back farther when others follow the same run, and
    /// less far only when more has been stored since.
    pub(crate) fn follow(&self, run: RunId, after: u64) -> Arc<RunLog> {
        let mut runs = self.lock();
        if let Some(log) = runs.get(&run).and_then(Weak::upgrade) {
            log.reach_back(after);
            return log;
        }
        let log = Arc::new(RunLog::behind(after));
        runs.insert(run, Arc::downgrade(&log));
        self.begun.notify_one();
        log
    }

    /// Reads what is new, for ever.
    pub(crate) async fn read(&self, repositories: &Repositories) {
        loop {
            let logs = self.followed();
            if logs.is_empty() {
                self.begun.notified().await;
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
            .maintenance
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
            if let Some(news) = news.filter(|news| !news.events.is_empty()) {
                log.extend_stored(after, news.events);
            }
            if !is_active {
                // Its end is read by who follows it, in their own name.
                log.leave();
                self.lock().remove(&run_id);
            }
        }
        Ok(())
    }

    /// The runs that somebody still follows.
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
