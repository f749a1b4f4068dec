//! Facts about sweeping.

use std::time::Duration;

use crate::{Erased, RunStatus, TaskFilter, TaskText};
use chrono::TimeDelta;

use super::fixture::{
    LONG, Store, assert_not_found, clock, complete_turn, new_caller, new_conversation, start_run,
};

/// Each call closes one run whose lease has expired. Other runs stay active.
pub async fn only_expired_runs_are_closed(store: &Store) {
    let caller = new_caller();
    let silent = new_conversation(store, &caller, clock().now()).await.id;
    let alive = new_conversation(store, &caller, clock().now()).await.id;
    let (expired, _) = start_run(store, &caller, silent, Duration::ZERO).await;
    let (active, _) = start_run(store, &caller, alive, LONG).await;
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

/// Conversations that are not deleted, or were deleted later, stay. A call purges no more
/// than its limit.
pub async fn purging_removes_conversations_that_were_deleted_long_ago(store: &Store) {
    let (caller, now) = (new_caller(), clock().now());
    let old = new_conversation(store, &caller, now).await.id;
    let older = new_conversation(store, &caller, now).await.id;
    let young = new_conversation(store, &caller, now).await.id;
    let live = new_conversation(store, &caller, now).await.id;
    complete_turn(store, &caller, old).await;
    let conversations = &store.conversations;
    let long_ago = now - TimeDelta::days(40);
    for deleted in [old, older] {
        let deleted = conversations.delete(&caller, deleted, long_ago);
        deleted.await.unwrap();
    }
    conversations.delete(&caller, young, now).await.unwrap();
    let before = now - TimeDelta::days(30);
    loop {
        match store.maintenance.purge_deleted(before, 1).await.unwrap() {
            0 => break,
            purged => assert_eq!(purged, 1),
        }
    }
    let ever = long_ago - TimeDelta::days(1);
    for purged in [old, older] {
        assert_not_found(conversations.restore(&caller, purged, ever).await);
    }
    conversations.restore(&caller, young, ever).await.unwrap();
    conversations.get(&caller, live).await.unwrap();
}

/// The conversations and tasks of other users stay. The numbers of the user's tasks start again.
pub async fn erasing_removes_everything_of_one_user(store: &Store) {
    let (alice, bob, now) = (new_caller(), new_caller(), clock().now());
    let mut conversations = Vec::new();
    for caller in [&alice, &bob] {
        let id = new_conversation(store, caller, now).await.id;
        complete_turn(store, caller, id).await;
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
    let title = TaskText::title("a task").unwrap();
    let first = store.tasks.insert(&alice, title, None, now).await.unwrap();
    assert_eq!(first.number, 1);
}
