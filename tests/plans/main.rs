//! The hot queries on PostgreSQL are index scans, with 50,000 rows in every table.
//!
//! The server itself explains what it runs (its module `auto_explain`), so that what is checked is
//! what the repositories really send, in the plan that a prepared statement keeps.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{sync::Arc, time::Duration};

use chatkit_domain::{
    AnswerDraft, Caller, Clock, ConversationId, Dialect, EventBatch, EventCursor, FinishRun, Item,
    ItemId, Limit, ListConversations, ListCreated, ListMessages, MessageText, MessageWindow,
    NewToolCall, NumberedEvent, Order, Position, Repositories, RunEnd, RunEvent, RunFence, RunId,
    RunInput, RunOwner, RunTarget, Since, StartRun, SystemClock, TaskFilter, TaskRepository,
    ToolCallOutcome, ToolCallStatus, UserId,
};
use chatkit_repository::Stores;
use chatkit_tests::{Backend, TestDatabase, postgres::Cluster};
use chrono::{TimeZone, Utc};
use uuid::Uuid;

/// One user with 10,000 conversations and 400 with 100 each; one conversation with 10,000
/// messages; a run and a tool call for each of 50,000 conversations.
const FILL: &str = "
INSERT INTO conversations (id, user_id, title, title_is_default, search_title, last_sequence,
    message_count, revision, last_item_at, created_at, updated_at)
SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    CASE WHEN n <= 10000 THEN 'heavy' ELSE 'user' || n % 400 END,
    'title', false, 'title', 20000, 10000, 1, t, t, t
FROM (SELECT n, timestamptz '2025-01-01 00:00:00Z' + n * interval '1 s' AS t
      FROM generate_series(1, 50000) n) rows;
INSERT INTO messages (id, conversation_id, sequence_number, kind, role, content, search_text,
    status, has_tool_calls, created_at)
SELECT gen_random_uuid(),
    ('00000000-0000-7000-8000-' || lpad(greatest(1, n - 10000)::text, 12, '0'))::uuid,
    CASE WHEN n <= 10001 THEN n ELSE 1 END, 'message',
    CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' END, 'content', 'content', 'completed', n % 2 = 0,
    timestamptz '2025-01-01 00:00:00Z' + n * interval '1 s'
FROM generate_series(1, 50000) n;
INSERT INTO runs (id, conversation_id, user_id, dialect, status, last_event, cancel_requested,
    created_at, ended_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid,
    ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'heavy', 'rest', 'completed',
    0, false, now(), now()
FROM generate_series(1, 50000) n;
INSERT INTO tool_calls (id, run_id, message_id, round, position, call_id, tool_name, tool_input,
    status, created_at)
SELECT gen_random_uuid(), r.id, m.id, 0, 0, 'call', 'tool', '{}', 'success', now()
FROM runs r LEFT JOIN messages m
    ON m.conversation_id = r.conversation_id AND m.sequence_number = 2;
INSERT INTO run_events (run_id, last, first, message_id, events)
SELECT id, 2, 1, id, '[{\"text\":\"a\"},{\"text\":\"b\"}]' FROM runs;
INSERT INTO tasks (user_id, number, title, completed, created_at, updated_at)
SELECT 'user' || n % 1000, n / 1000, 'task', false, now(), now()
FROM generate_series(1, 50000) n;
";

/// Every new connection explains what it runs. That it plans without regard to the values is the
/// repositories' own setting.
const EXPLAIN: [&str; 4] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
];

/// Most rows that a query may read and drop.
const MAX_REMOVED: u64 = 200;

#[tokio::test]
async fn hot_queries_are_index_scans() {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let (cluster, name) = (Cluster::shared(), database.name());
    cluster.sql(name, FILL);
    cluster.sql(name, "VACUUM ANALYZE");
    for setting in EXPLAIN {
        cluster.sql(name, &format!("ALTER DATABASE {name} SET {setting}"));
    }
    let before = cluster.log().len();
    let Stores {
        repositories,
        tasks,
        ..
    } = database.stores().await;
    read(&repositories, &*tasks).await;
    write(&repositories).await;

    let log = cluster.log()[before..].to_owned();
    let plans = plans(&log);
    assert!(plans.len() >= 20, "only {} plans were logged", plans.len());
    for table in [
        "conversations",
        "messages",
        "runs",
        "run_events",
        "tool_calls",
        "tasks",
    ] {
        assert!(
            plans
                .iter()
                .any(|plan| plan.contains(&format!(" on {table}"))),
            "{table}"
        );
    }
    let with_messages = "tool_calls_by_message";
    assert!(plans.iter().any(|plan| plan.contains(with_messages)));
    for plan in plans {
        assert!(!plan.contains("Seq Scan on"), "{plan}");
        for (_, removed) in plan
            .match_indices("Rows Removed by Filter: ")
            .map(|(at, found)| {
                let digits = plan[at + found.len()..].split_whitespace().next();
                (at, digits.unwrap().parse::<u64>().unwrap())
            })
        {
            assert!(removed <= MAX_REMOVED, "{plan}");
        }
    }
}

fn heavy() -> Caller {
    Caller::new(UserId::parse("heavy").unwrap())
}

/// The conversation with 10,000 messages.
fn long() -> ConversationId {
    ConversationId::new(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001))
}

/// Poll, list page, deep page, history pages, context window.
async fn read(repositories: &Repositories, tasks: &dyn TaskRepository) {
    let caller = heavy();
    repositories
        .conversations
        .get(&caller, long())
        .await
        .unwrap();
    let deep = Utc.with_ymd_and_hms(2025, 1, 1, 0, 5, 0).unwrap();
    for after in [None, Some(deep)] {
        let list = ListConversations {
            limit: Limit::parse(20).unwrap(),
            after: after.map(|time| Position {
                key: time.timestamp_millis(),
                id: Uuid::max(),
            }),
            query: None,
        };
        let page = repositories
            .conversations
            .list(&caller, &list)
            .await
            .unwrap();
        assert_eq!(page.entries.len(), 20);
    }
    list_created(repositories, &caller).await;
    let messages = &repositories.messages;
    messages.revision(&caller, long()).await.unwrap();
    let newest = page(repositories, MessageWindow::Newest).await;
    page(repositories, MessageWindow::Before(5_000)).await;
    page(
        repositories,
        MessageWindow::Since(Since::Message(newest[0])),
    )
    .await;
    let nearly_now = Utc.with_ymd_and_hms(2025, 1, 1, 2, 46, 30).unwrap();
    page(repositories, MessageWindow::Since(Since::Time(nearly_now))).await;
    let context = messages.context(&caller, long(), 50).await.unwrap();
    assert_eq!(context.items.len(), 50);
    let run = RunId::new(Uuid::from_u128(0x0000_0000_0000_7000_9000_0000_0000_0001));
    repositories.runs.get(&caller, long(), run).await.unwrap();
    let user = Caller::new(UserId::parse("user7").unwrap());
    tasks.list(&user, TaskFilter::Pending, 100).await.unwrap();
}

/// Parts of the lists in order of creation, from the middle.
async fn list_created(repositories: &Repositories, caller: &Caller) {
    let middle = ConversationId::new(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_5000));
    for order in [Order::Asc, Order::Desc] {
        let list = ListCreated {
            limit: Limit::DEFAULT,
            order,
            after: Some(middle),
        };
        let part = repositories.conversations.list_created(caller, list).await;
        assert_eq!(part.unwrap().entries.len(), 20);
        let items = &repositories.messages;
        let mut list = ListCreated {
            limit: Limit::DEFAULT,
            order,
            after: None,
        };
        let part = items.items(caller, long(), list).await.unwrap();
        list.after = part.entries.last().map(Item::id);
        let part = items.items(caller, long(), list).await.unwrap();
        assert_eq!(part.entries.len(), 20);
    }
}

async fn page(repositories: &Repositories, window: MessageWindow) -> Vec<chatkit_domain::ItemId> {
    let list = ListMessages {
        limit: Limit::parse(50).unwrap(),
        window,
    };
    let page = repositories
        .messages
        .list(&heavy(), long(), &list)
        .await
        .unwrap();
    assert!(!page.messages.is_empty());
    page.messages.iter().map(|message| message.id).collect()
}

/// Begin, keep the lease, call a tool, finish, sweep.
async fn write(repositories: &Repositories) {
    let clock: &dyn Clock = &SystemClock;
    let owner = RunOwner {
        id: clock.uuid(),
        lease: Duration::from_secs(60),
    };
    let begin = StartRun {
        id: clock.id(),
        target: RunTarget::Existing(long()),
        input: RunInput::Message {
            id: clock.id(),
            text: MessageText::parse("hello".to_owned()).unwrap(),
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 100,
        assistant_message_id: clock.id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "model".to_owned(),
        owner,
        now: clock.now(),
    };
    let fence = RunFence {
        run_id: begin.id,
        conversation_id: long(),
        owner,
    };
    let (runs, journal) = (&repositories.runs, &repositories.journal);
    runs.start(&heavy(), begin).await.unwrap();
    follow(repositories, fence).await;
    use_tool(repositories, fence).await;
    let closed = journal.close_expired_run(clock.now()).await;
    assert_eq!(closed.unwrap(), None);
    let finish = FinishRun {
        answer: Some(AnswerDraft::complete("hello")),
        last_event: 4,
        ..FinishRun::new(RunEnd::Completed, clock.now())
    };
    journal.finish(fence, finish).await.unwrap();
}

/// Keep events with the lease, read them behind a number, look for news, sweep.
async fn follow(repositories: &Repositories, fence: RunFence) {
    let (runs, journal) = (&repositories.runs, &repositories.journal);
    let text = "hello".to_owned();
    let batch = EventBatch {
        run_id: fence.run_id,
        message_id: ItemId::new(SystemClock.uuid()),
        events: vec![Arc::new(NumberedEvent {
            number: 1,
            event: RunEvent::Reasoning {
                message: ItemId::new(SystemClock.uuid()),
                item: ItemId::new(SystemClock.uuid()),
                delta: text,
                starts_another: false,
            },
        })],
    };
    let (ids, batches) = ([fence.run_id], [batch]);
    let owned = journal
        .checkpoint(fence.owner, &ids, &batches)
        .await
        .unwrap();
    assert_eq!(owned.len(), 1);
    let page = runs
        .events(&heavy(), long(), fence.run_id, 0)
        .await
        .unwrap();
    assert_eq!(page.events.len(), 1);
    let ended = RunId::new(Uuid::from_u128(0x0000_0000_0000_7000_9000_0000_0000_0001));
    let cursors = [fence.run_id, ended].map(|run_id| EventCursor { run_id, after: 0 });
    let news = journal.news(&cursors).await.unwrap();
    assert_eq!(news.len(), 2);
    let long_ago = Utc.with_ymd_and_hms(1980, 1, 1, 0, 0, 0).unwrap();
    assert_eq!(journal.sweep_events(long_ago).await.unwrap(), 0);
}

async fn use_tool(repositories: &Repositories, fence: RunFence) {
    let clock: &dyn Clock = &SystemClock;
    let journal = &repositories.journal;
    let call = NewToolCall {
        id: clock.id(),
        round: 0,
        position: 0,
        call_id: "call".to_owned(),
        tool_name: "tool".to_owned(),
        arguments: serde_json::Map::new(),
        arguments_text: None,
        raw_arguments: "{}".to_owned(),
        content_offset: 0,
        provider_data: None,
    };
    let calls = [call];
    journal
        .start_tool_calls(fence, &calls, clock.now())
        .await
        .unwrap();
    let outcome = ToolCallOutcome {
        id: calls[0].id,
        status: ToolCallStatus::Success,
        result: None,
        error_message: None,
        execution_time_ms: 1,
    };
    journal
        .finish_tool_call(fence, &outcome, clock.now())
        .await
        .unwrap();
}

/// The plans in a log: each is the indented lines below a line that ends with `plan:`.
fn plans(log: &str) -> Vec<String> {
    let mut plans = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if line.ends_with("plan:") {
            let mut plan = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
                plan.push_str(line);
                plan.push('\n');
            }
            plans.push(plan);
        }
    }
    plans
}
