//! The conformance suite of the ports on PostgreSQL.

use std::time::Duration;

use chatkit_domain::{Caller, Clock, Repositories, SystemClock, Title, UserId};
use chatkit_tests::{Backend, TestDatabase, eventually, postgres::Cluster};

async fn repositories() -> (TestDatabase, Repositories) {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let repositories = database.repositories().await;
    (database, repositories)
}

chatkit_repository::conformance_tests!(repositories);

#[path = "migrations.rs"]
mod migrations;

const BACKEND: Backend = Backend::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_leave_leave_no_transaction_open() {
    let (database, repositories) = repositories().await;
    let clock: &dyn Clock = &SystemClock;
    let caller = Caller::new(UserId::parse("alice").unwrap());
    let title = Title::parse("left").unwrap();
    // Opens the pool's connections.
    let conversations = &repositories.conversations;
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
