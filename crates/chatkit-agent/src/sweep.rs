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
    let lease = journal.owner().lease;
    let period = (lease / 3).min(Duration::from_secs(5));
    let mut was_away = false;
    loop {
        // Behind an outage of the database all leases are over, also of those who live: they have
        // a lease's time to extend them before any is judged.
        was_away |= journal.fails();
        if was_away {
            let is_back = repositories.maintenance.check().await.is_ok();
            was_away = !is_back || journal.fails();
            tokio::time::sleep(if was_away { period } else { lease }).await;
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
            Err(error) => {
                was_away = true;
                report(&error, "could not look for silent runs");
            }
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
