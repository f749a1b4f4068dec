//! The checkpoint of a process. It extends the leases of its runs, stores their events, and returns
//! the runs that the process still owns.

use std::{collections::HashSet, sync::LazyLock};

use chatkit_domain::{EventBatch, OwnedRun, RepositoryError, RunId, RunOwner};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ACTIVE_STATUSES, Database,
    entity::{run, run_event},
    error::repository_error,
    is_active,
    run_event::{insert, to_row},
};

/// The statement for all runs of a process on PostgreSQL. It is the same for any number of runs, so
/// the database parses it only once.
static CHECKPOINT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "\
    WITH owned AS (UPDATE runs \
        SET lease_expires_at = clock_timestamp() + make_interval(secs => $1) \
        WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($2::text::jsonb)) \
        AND lease_owner = $3 AND status IN ({}) \
        RETURNING id, cancel_requested), \
    kept AS (INSERT INTO run_events (run_id, last, first, message_id, events) \
        SELECT run_id, last, first, message_id, events \
        FROM jsonb_to_recordset($4::text::jsonb) \
            AS new(run_id uuid, last bigint, first bigint, message_id uuid, events text) \
        WHERE run_id IN (SELECT id FROM owned) ON CONFLICT DO NOTHING) \
    SELECT id, cancel_requested FROM owned",
        *ACTIVE_STATUSES
    )
});

impl Database {
    pub(super) async fn checkpoint_runs(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        batches: &[EventBatch],
    ) -> Result<Vec<OwnedRun>, RepositoryError> {
        let rows: Vec<_> = batches.iter().filter_map(to_row).collect();
        let owned = if self.backend == DbBackend::Postgres {
            self.checkpoint_at_once(owner, runs, &rows).await?
        } else {
            self.checkpoint_in_steps(owner, runs, rows).await?
        };
        Ok(owned
            .into_iter()
            .map(|(id, cancel_requested)| OwnedRun {
                id: RunId::new(id),
                cancel_requested,
            })
            .collect())
    }

    async fn checkpoint_at_once(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        rows: &[run_event::Model],
    ) -> Result<Vec<(Uuid, bool)>, RepositoryError> {
        let runs: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
        let statement = Statement::from_sql_and_values(
            self.backend,
            CHECKPOINT.as_str(),
            [
                owner.lease.as_secs_f64().into(),
                json!(runs).to_string().into(),
                owner.id.into(),
                to_records(rows).to_string().into(),
            ],
        );
        let owned = self.writer.query_all_raw(statement).await;
        let owned: Result<_, _> = owned
            .map_err(repository_error)?
            .iter()
            .map(|row| row.try_get_many_by_index().map_err(repository_error))
            .collect();
        owned
    }

    /// Does the same on SQLite, where a statement can only write to one table.
    async fn checkpoint_in_steps(
        &self,
        owner: RunOwner,
        runs: &[RunId],
        rows: Vec<run_event::Model>,
    ) -> Result<Vec<(Uuid, bool)>, RepositoryError> {
        let transaction = self.write().await?;
        let owned = run::Entity::update_many()
            .col_expr(run::Column::LeaseExpiresAt, self.in_future(owner.lease))
            .filter(run::Column::Id.is_in(runs.iter().map(|run| run.uuid())))
            .filter(run::Column::LeaseOwner.eq(owner.id))
            .filter(is_active())
            .exec_with_returning(&transaction)
            .await
            .map_err(repository_error)?;
        let ids: HashSet<Uuid> = owned.iter().map(|run| run.id).collect();
        let owned_rows = rows.into_iter().filter(|row| ids.contains(&row.run_id));
        insert(&transaction, owned_rows.collect()).await?;
        transaction.commit().await.map_err(repository_error)?;
        Ok(owned
            .into_iter()
            .map(|run| (run.id, run.cancel_requested))
            .collect())
    }
}

/// Encodes rows as one parameter.
fn to_records(rows: &[run_event::Model]) -> Value {
    rows.iter()
        .map(|row| {
            let run_event::Model {
                run_id,
                last,
                first,
                message_id,
                events,
            } = row;
            json!({
                "run_id": run_id, "last": last, "first": first, "message_id": message_id,
                "events": events,
            })
        })
        .collect()
}
