//! The conformance suite of the ports on PostgreSQL.

use std::time::Duration;

use chatkit_domain::{Caller, Clock, SystemClock, Title, UserId, conformance::Store};
use chatkit_repository::Stores;
use chatkit_tests::{Backend, TestDatabase, eventually, postgres::Cluster};

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

const BACKEND: Backend = Backend::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_callers_leave_no_open_transaction() {
    let (database, store) = store().await;
    let clock: &dyn Clock = &SystemClock;
    let caller = Caller::new(UserId::parse("alice").unwrap());
    let title = Title::parse("left").unwrap();
    // Opens the pool's connections.
    let conversations = &store.conversations;
    let reading = (0..8).map(|_| conversations.get(&caller, clock.id()));
    futures::future::join_all(reading).await;
    // Each leaves while its transaction is about to begin, some a little earlier than others.
    for round in 0..60_u64 {
        let rename = conversations.rename(&caller, clock.id(), &title, clock.now());
        let mut rename = std::pin::pin!(rename);
        for _ in 0..=round % 3 {
            if futures::poll!(&mut rename).is_ready() {
                break;
            }
            std::thread::sleep(Duration::from_micros(10));
        }
    }
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = '{}' AND state LIKE 'idle in transaction%'",
        database.name()
    );
    eventually("every transaction has ended", async || {
        let open = open.clone();
        let count = tokio::task::spawn_blocking(move || Cluster::shared().sql("postgres", &open));
        count.await.unwrap().trim() == "0"
    })
    .await;
}
