//! What every replica does in the background, in nobody's name.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{Clock, Repositories, RepositoryError};

use crate::journal::Journal;

/// How often deleted conversations are purged.
const PURGE_PERIOD: Duration = Duration::from_secs(60 * 60);

/// How many conversations are purged in one transaction.
const PURGE_BATCH: u32 = 100;

/// How often events are swept.
const EVENTS_PERIOD: Duration = Duration::from_secs(60);

/// For how long a run that has ended can be followed as it was.
const EVENTS_TTL: Duration = Duration::from_secs(10 * 60);

/// Closes runs whose owners fell silent, for ever.
pub(crate) async fn close_expired_runs(
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    journal: &Journal,
) {
    let period = (journal.owner().lease / 3).min(Duration::from_secs(5));
    loop {
        // Behind an outage of the database this process's own leases are over: they are extended
        // before any is judged.
        if journal.fails() {
            tokio::time::sleep(period).await;
            continue;
        }
        match repositories
            .maintenance
            .close_expired_run(clock.now())
            .await
        {
            Ok(Some(run_id)) => {
                crate::metrics::run_closed();
                tracing::warn!(%run_id, "closed a run whose owner fell silent");
                continue;
            }
            Ok(None) => {}
            Err(error) => report(&error, "could not look for silent runs"),
        }
        tokio::time::sleep(period).await;
    }
}

/// Purges what was deleted long ago, for ever.
pub(crate) async fn purge_deleted(
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    ttl: Duration,
) {
    loop {
        match repositories
            .maintenance
            .purge_deleted(clock.now() - ttl, PURGE_BATCH)
            .await
        {
            Ok(purged) if purged >= u64::from(PURGE_BATCH) => continue,
            Ok(_) => {}
            Err(error) => report(&error, "could not purge deleted conversations"),
        }
        tokio::time::sleep(PURGE_PERIOD).await;
    }
}

/// Sweeps the events of runs that ended a while ago, for ever.
pub(crate) async fn sweep_events(repositories: &Repositories, clock: &Arc<dyn Clock>) {
    loop {
        let before = clock.now() - EVENTS_TTL;
        if let Err(error) = repositories.maintenance.sweep_events(before).await {
            report(&error, "could not sweep the events of runs");
        }
        tokio::time::sleep(EVENTS_PERIOD).await;
    }
}

fn report(error: &RepositoryError, what: &'static str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
