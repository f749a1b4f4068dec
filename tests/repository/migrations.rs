//! The schema's own facts.

use chatkit_tests::TestDatabase;
use futures::future::join_all;

use crate::BACKEND;

#[tokio::test]
async fn replicas_that_start_at_once_all_succeed() {
    let database = TestDatabase::empty(BACKEND).await;
    let racers = (0..5).map(|_| chatkit_migration::up(database.url()));
    for result in join_all(racers).await {
        result.unwrap();
    }
    let status = chatkit_migration::status(database.url()).await.unwrap();
    assert!(status.iter().all(|migration| migration.applied));
    assert_eq!(status.last().unwrap().name, chatkit_migration::latest());
}

#[tokio::test]
async fn migrations_go_down_and_up_again() {
    let database = TestDatabase::fresh(BACKEND).await;
    let repositories = database.repositories().await;
    repositories.maintenance.check().await.unwrap();
    let count = chatkit_migration::status(database.url())
        .await
        .unwrap()
        .len();
    for _ in 0..count {
        chatkit_migration::down(database.url()).await.unwrap();
    }
    let status = chatkit_migration::status(database.url()).await.unwrap();
    assert!(status.iter().all(|migration| !migration.applied));
    assert!(repositories.maintenance.check().await.is_err());
    chatkit_migration::up(database.url()).await.unwrap();
    repositories.maintenance.check().await.unwrap();
}
