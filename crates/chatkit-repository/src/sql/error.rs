//! Classifies the failures of the database. Some of them are temporary.

use chatkit_domain::RepositoryError;
use sea_orm::DbErr;

pub(crate) fn repository_error(error: DbErr) -> RepositoryError {
    if may_pass(&error) {
        RepositoryError::Unavailable(Box::new(error))
    } else {
        RepositoryError::Failed(Box::new(error))
    }
}

/// Returns the error for a row that this version never writes.
pub(crate) fn corrupt(what: &'static str) -> RepositoryError {
    RepositoryError::Failed(what.into())
}

fn may_pass(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        #[cfg(any(feature = "postgres", feature = "sqlite"))]
        DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error))
        | DbErr::Query(sea_orm::RuntimeErr::SqlxError(error)) => driver::may_pass(error),
        _ => false,
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod driver {
    /// The SQLSTATE codes after which the same call may succeed (PostgreSQL, appendix A): connection
    /// exceptions, serialization failures, deadlocks, too many connections, unavailable locks,
    /// time-outs and shutdowns.
    const PASSING_STATES: [&str; 12] = [
        "08000", "08003", "08006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02",
        "57P03", "58030",
    ];

    /// SQLite's primary result codes BUSY, LOCKED and FULL, which are the low byte of an extended
    /// code. SQLite codes have at most four digits. A SQLSTATE always has five characters.
    const PASSING_RESULTS: [i64; 3] = [5, 6, 13];

    pub(super) fn may_pass(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| may_code_pass(&code)),
            _ => false,
        }
    }

    fn may_code_pass(code: &str) -> bool {
        let is_passing_result = |code: i64| PASSING_RESULTS.contains(&(code & 0xff));
        PASSING_STATES.contains(&code)
            || code.len() < 5 && code.parse().is_ok_and(is_passing_result)
    }
}
