//! Opens the connection pools of a database, and counts their connections.

use std::time::Duration;

use chatkit_domain::{Connections, RepositoryError};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr};

/// How long SQLite waits for the write lock of another process.
pub(super) const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for a free connection before the database counts as busy.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection counts as alive without a check. Under load there are no checks, and
/// dead connections are still found after a restart of the database.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Refuses a URL that this build cannot open.
pub(super) fn check_is_supported(url: &str) -> Result<(), RepositoryError> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let (name, feature, is_on) = match scheme {
        "sqlite" => ("SQLite", "sqlite", cfg!(feature = "sqlite")),
        "postgres" | "postgresql" => ("PostgreSQL", "postgres", cfg!(feature = "postgres")),
        _ => {
            let reason = "the URL must begin with sqlite: or postgres:";
            return Err(RepositoryError::Failed(reason.into()));
        }
    };
    if is_on {
        return Ok(());
    }
    let reason = format!("this build lacks the feature `{feature}`, which opens {name}");
    Err(RepositoryError::Failed(reason.into()))
}

/// The connection pools of a database.
pub(super) struct Pools {
    pub(super) reader: DatabaseConnection,
    pub(super) writer: DatabaseConnection,
}

impl Pools {
    /// Opens the pools. The reader has at most so many connections.
    pub(super) async fn open(url: &str, connections: u32) -> Result<Self, DbErr> {
        let reader = Database::connect(options(url, connections)).await?;
        let writer = writer(url, &reader).await?;
        Ok(Self { reader, writer })
    }
}

/// Opens the pool of writers: one connection on SQLite, and otherwise the pool of readers.
async fn writer(url: &str, reader: &DatabaseConnection) -> Result<DatabaseConnection, DbErr> {
    if reader.get_database_backend() != DbBackend::Sqlite {
        return Ok(reader.clone());
    }
    let options = options(url, 1);
    #[cfg(feature = "sqlite")]
    let options = sqlite::writer_options(options);
    Database::connect(options).await
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(TRUSTED_FOR);
    #[cfg(feature = "sqlite")]
    options
        .map_sqlx_sqlite_opts(|options| sqlite::options(options).busy_timeout(SQLITE_BUSY_TIMEOUT));
    #[cfg(feature = "postgres")]
    options
        .map_sqlx_postgres_opts(|postgres| postgres.application_name("chatkit"))
        .map_sqlx_postgres_pool_opts(postgres::after_connecting);
    options
}

/// Counts the connections of a pool.
pub(super) fn count(pool: &DatabaseConnection) -> Connections {
    match pool.get_database_backend() {
        #[cfg(feature = "postgres")]
        DbBackend::Postgres => of_pool(pool.get_postgres_connection_pool()),
        #[cfg(feature = "sqlite")]
        DbBackend::Sqlite => of_pool(pool.get_sqlite_connection_pool()),
        _ => Connections::default(),
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn of_pool<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> Connections {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    Connections {
        idle,
        busy: pool.size().saturating_sub(idle),
        max: pool.options().get_max_connections(),
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use sea_orm::ConnectOptions;
    use sqlx::{
        Connection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    };

    /// The number of rows that the thread of a SQLite connection buffers. A page reads one row more
    /// than it returns.
    const LARGEST_PAGE: usize = 128;

    pub(super) fn options(options: SqliteConnectOptions) -> SqliteConnectOptions {
        options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .row_buffer_size(LARGEST_PAGE)
    }

    pub(super) fn writer_options(mut options: ConnectOptions) -> ConnectOptions {
        options.map_sqlx_sqlite_pool_opts(after_writing);
        options
    }

    /// Returns a connection to the pool of writers only if it has no open transaction.
    fn after_writing(pool: SqlitePoolOptions) -> SqlitePoolOptions {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                // The ping waits for a rollback that is in progress. After a failed COMMIT (on a
                // full disk) the driver still assumes a transaction that SQLite has ended. It
                // would never commit again.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::postgres::PgPoolOptions;

    /// The settings of every PostgreSQL connection. They limit how long a statement waits for a
    /// lock, and how long a transaction waits for its client.
    ///
    /// Each statement has one good plan for all parameters. Without `plan_cache_mode`, PostgreSQL
    /// would plan statements anew whose LIMIT is a parameter.
    const SETTINGS: &str = "SET lock_timeout = '5s'; \
         SET idle_in_transaction_session_timeout = '60s'; \
         SET plan_cache_mode = 'force_generic_plan'";

    pub(super) fn after_connecting(pool: PgPoolOptions) -> PgPoolOptions {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SETTINGS).execute(connection).await?;
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_without_its_feature_is_refused_by_name() {
        let databases = [
            ("sqlite://a.db", "`sqlite`", cfg!(feature = "sqlite")),
            ("postgres://h/d", "`postgres`", cfg!(feature = "postgres")),
        ];
        for (url, feature, is_on) in databases {
            match check_is_supported(url) {
                Ok(()) => assert!(is_on, "{url}"),
                Err(RepositoryError::Failed(reason)) => {
                    assert!(!is_on && reason.to_string().contains(feature), "{reason}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn an_unknown_database_is_refused_without_its_url() {
        let Err(RepositoryError::Failed(reason)) = check_is_supported("mysql://u:secret@h/d")
        else {
            panic!("it is supported");
        };
        assert!(!reason.to_string().contains("secret"), "{reason}");
    }
}
