//! Facts about sweeping.

use std::time::Duration;

use crate::{Erased, RunStatus, TaskFilter, TaskText};
use chrono::TimeDelta;

use super::{LONG, Store, assert_not_found, begun, clock, created, somebody, turn};

/// Runs whose owners fell silent are closed, one at a time; others are left alone.
pub async fn the_sweep_closes_expired_runs_only(store: &Store) {
    let caller = somebody();
    let silent = created(store, &caller, clock().now()).await.id;
    let alive = created(store, &caller, clock().now()).await.id;
    let (expired, _) = begun(store, &caller, silent, Duration::ZERO).await;
    let (active, _) = begun(store, &caller, alive, LONG).await;
    let mut closed = Vec::new();
    while let Some(run) = store
        .journal
        .close_expired_run(clock().now())
        .await
        .unwrap()
    {
        closed.push(run);
    }
    assert!(closed.contains(&expired.run.id));
    assert!(!closed.contains(&active.run.id));
    let run = store
        .runs
        .get(&caller, silent, expired.run.id)
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    let run = store.runs.get(&caller, alive, active.run.id).await.unwrap();
    assert_eq!(run.status, RunStatus::Running);
}

/// Only conversations that were deleted before the given time go, with everything in them.
pub async fn purging_removes_what_was_deleted_long_ago(store: &Store) {
    let (caller, now) = (somebody(), clock().now());
    let old = created(store, &caller, now).await.id;
    let young = created(store, &caller, now).await.id;
    let live = created(store, &caller, now).await.id;
    turn(store, &caller, old).await;
    let conversations = &store.conversations;
    let long_ago = now - TimeDelta::days(40);
    conversations.delete(&caller, old, long_ago).await.unwrap();
    conversations.delete(&caller, young, now).await.unwrap();
    let before = now - TimeDelta::days(30);
    while store.maintenance.purge_deleted(before, 1).await.unwrap() > 0 {}
    let ever = long_ago - TimeDelta::days(1);
    assert_not_found(conversations.restore(&caller, old, ever).await);
    conversations.restore(&caller, young, ever).await.unwrap();
    conversations.get(&caller, live).await.unwrap();
}

/// Everything of one user goes, nothing of another.
pub async fn erasing_removes_everything_of_one_user(store: &Store) {
    let (alice, bob, now) = (somebody(), somebody(), clock().now());
    let mut conversations = Vec::new();
    for caller in [&alice, &bob] {
        let id = created(store, caller, now).await.id;
        turn(store, caller, id).await;
        conversations.push(id);
        let title = TaskText::title("a task").unwrap();
        store.tasks.insert(caller, title, None, now).await.unwrap();
    }
    let erased = store.maintenance.erase_user(alice.user_id()).await.unwrap();
    assert_eq!(
        erased,
        Erased {
            conversations: 1,
            tasks: 1
        }
    );
    assert_not_found(store.conversations.get(&alice, conversations[0]).await);
    store
        .conversations
        .get(&bob, conversations[1])
        .await
        .unwrap();
    let listed = store.tasks.list(&bob, TaskFilter::All, 10).await.unwrap();
    assert_eq!(listed.count, 1);
    let again = store.maintenance.erase_user(alice.user_id()).await.unwrap();
    assert_eq!(again, Erased::default());
}
