//! Facts about sweeping.

use std::time::Duration;

use chatkit_domain::{Repositories, RunStatus, TaskFilter, TaskText};
use chrono::TimeDelta;

use super::{LONG, assert_not_found, begun, clock, created, somebody, turn};

/// Runs whose owners fell silent are closed, one at a time; others are left alone.
pub async fn the_sweep_closes_expired_runs_only(repositories: &Repositories) {
    let caller = somebody();
    let silent = created(repositories, &caller, clock().now()).await.id;
    let alive = created(repositories, &caller, clock().now()).await.id;
    let (expired, _) = begun(repositories, &caller, silent, Duration::ZERO).await;
    let (active, _) = begun(repositories, &caller, alive, LONG).await;
    let mut closed = Vec::new();
    let maintenance = &repositories.maintenance;
    while let Some(run) = maintenance.close_expired_run(clock().now()).await.unwrap() {
        closed.push(run);
    }
    assert!(closed.contains(&expired.run.id));
    assert!(!closed.contains(&active.run.id));
    let run = repositories
        .runs
        .get(&caller, silent, expired.run.id)
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    let run = repositories
        .runs
        .get(&caller, alive, active.run.id)
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Running);
}

/// Only conversations that were deleted before the given time go, with everything in them.
pub async fn purging_removes_what_was_deleted_long_ago(repositories: &Repositories) {
    let (caller, now) = (somebody(), clock().now());
    let old = created(repositories, &caller, now).await.id;
    let young = created(repositories, &caller, now).await.id;
    let live = created(repositories, &caller, now).await.id;
    turn(repositories, &caller, old).await;
    let conversations = &repositories.conversations;
    let long_ago = now - TimeDelta::days(40);
    conversations.delete(&caller, old, long_ago).await.unwrap();
    conversations.delete(&caller, young, now).await.unwrap();
    let before = now - TimeDelta::days(30);
    while repositories
        .maintenance
        .purge_deleted(before, 1)
        .await
        .unwrap()
        > 0
    {}
    let ever = long_ago - TimeDelta::days(1);
    assert_not_found(conversations.restore(&caller, old, ever).await);
    conversations.restore(&caller, young, ever).await.unwrap();
    conversations.get(&caller, live).await.unwrap();
}

/// Everything of one user goes, nothing of another.
pub async fn erasing_removes_everything_of_one_user(repositories: &Repositories) {
    let (alice, bob, now) = (somebody(), somebody(), clock().now());
    let mut conversations = Vec::new();
    for caller in [&alice, &bob] {
        let id = created(repositories, caller, now).await.id;
        turn(repositories, caller, id).await;
        conversations.push(id);
        let title = TaskText::title("a task").unwrap();
        repositories
            .tasks
            .insert(caller, title, None, now)
            .await
            .unwrap();
    }
    let erased = repositories
        .maintenance
        .erase_user(alice.user_id())
        .await
        .unwrap();
    assert_eq!(erased, (1, 1));
    assert_not_found(
        repositories
            .conversations
            .get(&alice, conversations[0])
            .await,
    );
    repositories
        .conversations
        .get(&bob, conversations[1])
        .await
        .unwrap();
    let (_, count) = repositories
        .tasks
        .list(&bob, TaskFilter::All, 10)
        .await
        .unwrap();
    assert_eq!(count, 1);
    let again = repositories
        .maintenance
        .erase_user(alice.user_id())
        .await
        .unwrap();
    assert_eq!(again, (0, 0));
}
