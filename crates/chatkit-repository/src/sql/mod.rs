//! The connections, their transactions, and code that the queries of all ports share.

mod checkpoint;
mod connection;
mod conversation;
mod conversation_row;
mod end;
mod entity;
mod error;
mod event_context;
mod follow;
mod item_columns;
mod item_row;
mod items;
mod journal;
mod locked;
mod maintenance;
mod message;
mod owner_locks;
mod removal;
mod run;
mod run_event;
mod run_row;
mod start;
mod task;
mod tool_call;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use chatkit_domain::{Caller, Order, Repositories, RepositoryError, RunStatus, TaskRepository};
use chrono::{SubsecRound, Utc};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, ExprTrait, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sea_query::{Expr, SimpleExpr},
};

use tokio::sync::Semaphore;

use self::{
    connection::{ACQUIRE_TIMEOUT, Pools, SQLITE_BUSY_TIMEOUT, check_is_supported},
    error::repository_error,
    owner_locks::OwnerLocks,
};

/// The number of locks for users who start a run at the same time.
const STARTERS: usize = 256;

/// The number of concurrent searches.
const SEARCHES: usize = 2;

/// The database to open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// The URL: `sqlite://path?mode=rwc` or `postgres://…`.
    pub url: String,
    /// The maximum number of connections. SQLite uses one more for writes.
    pub pool: u32,
    /// The folder of the lock files that show which processes are alive. All processes on one
    /// machine must share it. It must not be shared between machines.
    pub locks: PathBuf,
    /// The migration that the schema must have for [`check`](chatkit_domain::Maintenance::check)
    /// to succeed.
    pub schema: String,
}

impl DatabaseOptions {
    /// Creates options for the database with this URL. Its schema must have the migration `schema`,
    /// such as `chatkit_migration::latest()`. The pool has at most 10 connections, and lock files
    /// are in the folder for temporary files.
    pub fn new(url: impl Into<String>, schema: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool: 10,
            locks: std::env::temp_dir(),
            schema: schema.into(),
        }
    }

    /// Sets the maximum number of connections.
    #[must_use]
    pub fn with_pool(mut self, pool: u32) -> Self {
        self.pool = pool;
        self
    }

    /// Sets the folder of the lock files that show which processes are alive.
    #[must_use]
    pub fn with_locks(mut self, locks: impl Into<PathBuf>) -> Self {
        self.locks = locks.into();
        self
    }
}

/// The ports of one database.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stores {
    /// The store of the agent and the API.
    pub repositories: Repositories,
    /// The store of the task tools.
    pub tasks: Arc<dyn TaskRepository>,
}

impl Stores {
    /// Creates a set of ports, for example of your own store.
    #[must_use]
    pub fn new(repositories: Repositories, tasks: Arc<dyn TaskRepository>) -> Self {
        Self {
            repositories,
            tasks,
        }
    }
}

/// Opens the connection pools.
///
/// # Errors
/// [`RepositoryError::Unavailable`] if the database cannot be reached. [`RepositoryError::Failed`] if
/// the URL names no database, or one whose feature is off.
pub async fn connect(options: DatabaseOptions) -> Result<Stores, RepositoryError> {
    let database = Arc::new(Database::open(options).await?);
    Ok(Stores {
        repositories: Repositories {
            conversations: database.clone(),
            messages: database.clone(),
            runs: database.clone(),
            journal: database.clone(),
            maintenance: database.clone(),
        },
        tasks: database,
    })
}

/// A database, which implements all ports.
#[derive(Debug)]
struct Database {
    reader: DatabaseConnection,
    /// The connections for writes. On SQLite, this is a pool of one connection, so that writers
    /// wait here instead of failing with `SQLITE_BUSY`. On PostgreSQL, this is the same pool as
    /// `reader`.
    writer: DatabaseConnection,
    backend: DbBackend,
    schema: String,
    /// Limits concurrent searches, because a search reads many rows and occupies a connection.
    searches: Arc<Semaphore>,
    /// Locks for users who start a run. Several users share one.
    starters: Vec<tokio::sync::Mutex<()>>,
    /// The lock files of the owners of runs.
    owner_locks: OwnerLocks,
}

impl Database {
    /// Opens the pools. Retries, because several processes may open a new SQLite file at once, and
    /// SQLite does not wait for the lock while it switches to the write-ahead log.
    async fn open(options: DatabaseOptions) -> Result<Self, RepositoryError> {
        check_is_supported(&options.url)?;
        let started = Instant::now();
        loop {
            match Self::try_open(&options).await.map_err(repository_error) {
                Err(RepositoryError::Unavailable(_)) if started.elapsed() < SQLITE_BUSY_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                result => return result,
            }
        }
    }

    async fn try_open(options: &DatabaseOptions) -> Result<Self, sea_orm::DbErr> {
        let Pools { reader, writer } = Pools::open(&options.url, options.pool).await?;
        Ok(Self {
            backend: reader.get_database_backend(),
            reader,
            writer,
            schema: options.schema.clone(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            starters: (0..STARTERS)
                .map(|_| tokio::sync::Mutex::default())
                .collect(),
            owner_locks: OwnerLocks::new(options.locks.clone(), prefix_of(&options.url)),
        })
    }

    /// Waits until this process starts no other run of this user, so that concurrent starts cannot
    /// exceed the limit of active runs. Replicas do not wait for each other, so each can exceed the
    /// limit by one.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`] after [`ACQUIRE_TIMEOUT`].
    async fn start_alone(
        &self,
        caller: &Caller,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, RepositoryError> {
        let mut hasher = DefaultHasher::new();
        caller.user_id().as_str().hash(&mut hasher);
        let place = hasher.finish() as usize % STARTERS;
        tokio::time::timeout(ACQUIRE_TIMEOUT, self.starters[place].lock())
            .await
            .map_err(|late| RepositoryError::Unavailable(Box::new(late)))
    }

    /// Starts a transaction that may write. On SQLite, it takes the write lock at once. A
    /// transaction that reads first fails on its first write if another one wrote in between.
    async fn write(&self) -> Result<DatabaseTransaction, RepositoryError> {
        begin(
            &self.writer,
            TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
        )
        .await
    }

    /// Returns an expression for the database's clock. Leases depend on it alone, so the clocks of
    /// replicas may differ. On SQLite, it is the clock of this machine, which all processes share.
    fn now(&self) -> SimpleExpr {
        self.in_future(Duration::ZERO)
    }

    /// Returns an expression for the database's clock plus a duration.
    fn in_future(&self, later: Duration) -> SimpleExpr {
        if self.backend == DbBackend::Postgres {
            Expr::cust("clock_timestamp()").add(Expr::cust_with_values(
                "make_interval(secs => $1)",
                [later.as_secs_f64()],
            ))
        } else {
            Expr::value(Utc::now().trunc_subsecs(3) + later)
        }
    }
}

/// Returns the prefix of the lock files for a database. It depends on the location of the database
/// but not on the credentials.
fn prefix_of(url: &str) -> String {
    let place = url.split_once('?').map_or(url, |(place, _)| place);
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    format!("chatkit-{:016x}-", hasher.finish())
}

/// Starts a transaction in a separate task, and rolls it back if the caller has gone. If a caller
/// were dropped during `BEGIN`, the connection would return to the pool with an open transaction,
/// because the driver only rolls back transactions that it knows.
async fn begin(
    connection: &DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, RepositoryError> {
    let connection = connection.clone();
    let transaction = uncancelled(async move { connection.begin_with_options(options).await });
    transaction.await?.map_err(repository_error)
}

/// Runs a future to completion, even if the caller is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "the task ends by itself, within the database's timeouts"
)]
async fn uncancelled<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, RepositoryError> {
    tokio::spawn(future)
        .await
        .map_err(|error| RepositoryError::Failed(Box::new(error)))
}

/// The statuses of active runs, as SQL literals. PostgreSQL uses a partial index only if it can
/// prove the predicate, and it cannot do so from a parameter.
static ACTIVE_STATUSES: LazyLock<String> = LazyLock::new(|| {
    let literals = RunStatus::ACTIVE.map(|status| format!("'{}'", status.as_str()));
    literals.join(", ")
});

/// Returns the condition that a run is active.
fn is_active() -> SimpleExpr {
    Expr::cust(format!("status IN ({})", *ACTIVE_STATUSES))
}

/// Converts the direction of an order.
fn direction(order: Order) -> sea_orm::Order {
    match order {
        Order::Asc => sea_orm::Order::Asc,
        Order::Desc => sea_orm::Order::Desc,
    }
}

/// Converts a count to its stored form.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Converts a stored count, which is never negative.
fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
