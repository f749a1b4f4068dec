//! The database schema, as migrations for SQLite and PostgreSQL.
//!
//! Each migration is one file and has one entry in `Migrator`. All pending migrations run in one
//! transaction under a lock, so any number of replicas may start at once.

mod m20261121_1_conversations;
mod m20261121_2_runs;
mod m20261121_3_tasks;
mod m20261121_4_run_events;
mod m20261121_5_threads;
mod m20261121_6_items;
mod m20261130_1_answers;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationStatus, MigrationTrait, MigratorTrait};

/// Identifies the advisory lock that PostgreSQL replicas take while they migrate.
const LOCK_KEY: i64 = 0x6368_6174_6b69_7401;

/// How long to wait for a database that is still starting.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_1_conversations::Migration),
            Box::new(m20261121_2_runs::Migration),
            Box::new(m20261121_3_tasks::Migration),
            Box::new(m20261121_4_run_events::Migration),
            Box::new(m20261121_5_threads::Migration),
            Box::new(m20261121_6_items::Migration),
            Box::new(m20261130_1_answers::Migration),
        ]
    }
}

/// The error of a failed migration.
#[derive(Debug, thiserror::Error)]
#[error("could not migrate the database")]
pub struct MigrationError(#[source] DbErr);

impl From<DbErr> for MigrationError {
    fn from(error: DbErr) -> Self {
        Self(error)
    }
}

/// A migration and its state in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The name as the database records it.
    pub name: String,
    /// Whether the database has the migration.
    pub applied: bool,
}

/// Returns the name of the newest migration. A database that has it has all earlier ones.
#[must_use]
pub fn latest() -> String {
    Migrator::migrations()
        .last()
        .map(|migration| migration.name().to_owned())
        .unwrap_or_default()
}

/// Applies all pending migrations.
///
/// # Errors
/// [`MigrationError`] if the database cannot be reached or rejects a statement. The schema is
/// unchanged then.
pub async fn up(database_url: &str) -> Result<(), MigrationError> {
    let connection = connect(database_url).await?;
    let transaction = lock(&connection).await?;
    Migrator::up(&transaction, None).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Reverts the newest migration and deletes the data that it holds.
///
/// # Errors
/// The same as [`up`].
pub async fn down(database_url: &str) -> Result<(), MigrationError> {
    let connection = connect(database_url).await?;
    let transaction = lock(&connection).await?;
    Migrator::down(&transaction, Some(1)).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Returns all migrations in order, with their states.
///
/// # Errors
/// The same as [`up`].
pub async fn status(database_url: &str) -> Result<Vec<Migration>, MigrationError> {
    let connection = connect(database_url).await?;
    let migrations = Migrator::get_migration_with_status(&connection).await?;
    connection.close().await?;
    Ok(migrations
        .into_iter()
        .map(|migration| Migration {
            name: migration.name().to_owned(),
            applied: migration.status() == MigrationStatus::Applied,
        })
        .collect())
}

async fn connect(database_url: &str) -> Result<DatabaseConnection, DbErr> {
    check_is_supported(database_url)?;
    let mut options = ConnectOptions::new(database_url);
    options
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .sqlx_logging(false);
    #[cfg(feature = "sqlite")]
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(30))
    });
    Database::connect(options).await
}

/// Refuses a URL that this build cannot open. The error does not quote the URL, which may hold a
/// password.
fn check_is_supported(url: &str) -> Result<(), DbErr> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let (feature, is_on) = match scheme {
        "sqlite" => ("sqlite", cfg!(feature = "sqlite")),
        "postgres" | "postgresql" => ("postgres", cfg!(feature = "postgres")),
        _ => {
            let reason = "the URL must begin with sqlite: or postgres:";
            return Err(DbErr::Custom(reason.to_owned()));
        }
    };
    if is_on {
        return Ok(());
    }
    let reason = format!("this build lacks the feature `{feature}`, which opens this database");
    Err(DbErr::Custom(reason))
}

/// Starts a transaction that runs alone among the migrations of all replicas.
async fn lock(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = connection
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    if connection.get_database_backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK_KEY})"))
            .await?;
    }
    Ok(transaction)
}
