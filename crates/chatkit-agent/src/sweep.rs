//! The background work of each process.

use std::{sync::Arc, time::Duration};

use chatkit_domain::{Clock, Repositories, RepositoryError};

use crate::log::journal::Journal;

/// The time between two purges.
const PURGE_PERIOD: Duration = Duration::from_secs(60 * 60);

/// The number of conversations that one transaction purges.
const PURGE_BATCH: u32 = 100;

/// The time between two sweeps of events.
const EVENTS_PERIOD: Duration = Duration::from_secs(60);

/// How long the events of a run are stored after its end.
const EVENTS_TTL: Duration = Duration::from_secs(10 * 60);

/// Closes runs whose leases have expired. Never returns.
pub(crate) async fn close_expired_runs(
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
    journal: &Journal,
) {
    let lease = journal.owner().lease;
    let period = (lease / 3).min(Duration::from_secs(5));
    let mut was_unavailable = false;
    loop {
        // After an outage of the database, the leases of live processes have expired too. Give
        // their owners one lease period to renew them.
        was_unavailable |= journal.is_failing();
        if was_unavailable {
            let is_available = repositories.maintenance.check().await.is_ok();
            was_unavailable = !is_available || journal.is_failing();
            tokio::time::sleep(if was_unavailable { period } else { lease }).await;
            continue;
        }
        match repositories.journal.close_expired_run(clock.now()).await {
            Ok(Some(run_id)) => {
                crate::metrics::run_closed();
                tracing::warn!(%run_id, "closed a run whose lease expired");
                continue;
            }
            Ok(None) => {}
            Err(error) => {
                was_unavailable = true;
                report(&error, "could not find expired runs");
            }
        }
        tokio::time::sleep(period).await;
    }
}

/// Purges conversations that were deleted more than `ttl` ago. Never returns.
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

/// Removes the events of runs that ended more than [`EVENTS_TTL`] ago. Never returns.
pub(crate) async fn sweep_events(repositories: &Repositories, clock: &Arc<dyn Clock>) {
    loop {
        let before = clock.now() - EVENTS_TTL;
        if let Err(error) = repositories.journal.sweep_events(before).await {
            report(&error, "could not sweep the events of runs");
        }
        tokio::time::sleep(EVENTS_PERIOD).await;
    }
}

fn report(error: &RepositoryError, what: &'static str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
