//! Facts about tasks.

use crate::{Caller, Task, TaskChanges, TaskFilter, TaskList, TaskText};

use chrono::TimeDelta;

use super::fixture::{Store, assert_not_found, clock, new_caller};

async fn added(store: &Store, caller: &Caller, title: &str) -> Task {
    let title = TaskText::title(title).unwrap();
    store
        .tasks
        .insert(caller, title, None, clock().now())
        .await
        .unwrap()
}

fn completed() -> TaskChanges {
    TaskChanges {
        completed: Some(true),
        ..TaskChanges::default()
    }
}

/// Numbers are 1, 2, 3 …. The number of a deleted task is not used again.
pub async fn task_numbers_count_up_without_reuse(store: &Store) {
    let caller = new_caller();
    for expected in 1..=3 {
        assert_eq!(added(store, &caller, "a task").await.number, expected);
    }
    let deleted = store.tasks.delete(&caller, 3).await.unwrap();
    assert_eq!(deleted.title, "a task");
    assert_not_found(store.tasks.delete(&caller, 3).await);
    assert_eq!(added(store, &caller, "another").await.number, 4);
}

/// The numbers of tasks that are added concurrently have no gap.
pub async fn concurrently_added_tasks_get_unique_numbers(store: &Store) {
    let caller = new_caller();
    let adding = (0..10).map(|_| added(store, &caller, "a task"));
    let tasks = futures::future::join_all(adding).await;
    let mut numbers: Vec<u64> = tasks.into_iter().map(|task| task.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

/// Callers change, list and count only their own tasks.
pub async fn callers_see_only_their_own_tasks(store: &Store) {
    let (alice, bob, now) = (new_caller(), new_caller(), clock().now());
    added(store, &alice, "one").await;
    added(store, &alice, "two").await;
    let tasks = &store.tasks;
    assert_not_found(tasks.update(&bob, 1, completed(), now).await);
    assert_not_found(tasks.delete(&bob, 1).await);
    let later = now + TimeDelta::minutes(1);
    let done = tasks.update(&alice, 1, completed(), later).await.unwrap();
    assert!(done.completed);
    assert_eq!(done.updated_at, later);
    let changes = TaskChanges {
        title: Some(TaskText::title("zwei").unwrap()),
        description: Some(TaskText::description("mehr").unwrap()),
        completed: None,
    };
    let changed = tasks.update(&alice, 2, changes, now).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.completed), ("zwei", false));
    assert_eq!(changed.description.as_deref(), Some("mehr"));
    let numbers = async |caller: &Caller, filter, limit| {
        let TaskList { tasks, count } = tasks.list(caller, filter, limit).await.unwrap();
        let numbers: Vec<u64> = tasks.iter().map(|task| task.number).collect();
        (numbers, count)
    };
    assert_eq!(numbers(&alice, TaskFilter::All, 10).await, (vec![1, 2], 2));
    assert_eq!(numbers(&alice, TaskFilter::All, 1).await, (vec![1], 2));
    assert_eq!(numbers(&alice, TaskFilter::Pending, 10).await, (vec![2], 1));
    assert_eq!(
        numbers(&alice, TaskFilter::Completed, 10).await,
        (vec![1], 1)
    );
    assert_eq!(numbers(&bob, TaskFilter::All, 10).await, (vec![], 0));
}
