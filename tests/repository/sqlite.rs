//! The conformance suite of the ports on SQLite.

use chatkit_domain::conformance::Store;
use chatkit_repository::Stores;
use chatkit_tests::{Backend, TestDatabase};

async fn store() -> (TestDatabase, Store) {
    let database = TestDatabase::fresh(BACKEND).await;
    let Stores {
        repositories,
        tasks,
        ..
    } = database.stores().await;
    (database, Store::new(repositories, tasks))
}

chatkit_domain::conformance_tests!(store);

#[path = "migrations.rs"]
mod migrations;

const BACKEND: Backend = Backend::Sqlite;
