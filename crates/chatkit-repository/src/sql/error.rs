//! Classifies the failures of the database. Some of them are temporary.

use chatkit_domain::RepositoryError;
use sea_orm::{DbErr, RuntimeErr};

/// The SQLSTATE codes after which the same call may succeed (PostgreSQL, appendix A): connection
/// exceptions, serialization failures, deadlocks, too many connections, unavailable locks,
/// time-outs and shutdowns.
const PASSING_STATES: [&str; 12] = [
    "08000", "08003", "08006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02",
    "57P03", "58030",
];

/// SQLite's primary result codes BUSY, LOCKED and FULL, which are the low byte of an extended code.
/// SQLite codes have at most four digits. A SQLSTATE always has five characters.
const PASSING_RESULTS: [i64; 3] = [5, 6, 13];

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
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    PASSING_STATES.contains(&code.as_ref())
                        || code.len() < 5
                            && code
                                .parse::<i64>()
                                .is_ok_and(|code| PASSING_RESULTS.contains(&(code & 0xff)))
                }),
                _ => false,
            }
        }
        _ => false,
    }
}
