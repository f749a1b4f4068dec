//! The conformance suite of the ports on SQLite.

use chatkit_domain::Repositories;
use chatkit_tests::{Backend, TestDatabase};

async fn repositories() -> (TestDatabase, Repositories) {
    let database = TestDatabase::fresh(Backend::Sqlite).await;
    let repositories = database.repositories().await;
    (database, repositories)
}

chatkit_repository::conformance_tests!(repositories);

#[path = "migrations.rs"]
mod migrations;

const BACKEND: Backend = Backend::Sqlite;
