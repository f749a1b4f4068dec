//! A replica dies or falls silent while it answers, and another has its runs from then on.

use std::time::Duration;

use chatkit_tests::{
    Backend, Client, TestDatabase, eventually,
    follow::{Event, Events, names, text_of},
    model::{FakeModel, Gate, Reply, Step},
    postgres::Cluster,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::process::Process;

const LEASE: Duration = Duration::from_secs(2);
const FLAGS: [&str; 1] = ["--run-lease=2s"];

/// By when a run is closed whose owner is silent.
const CLOSED_WITHIN: Duration = LEASE.saturating_add(Duration::from_secs(5));

/// Between what was stored last and the end of an interrupted run.
const GAP: u64 = 1_000_000;

const ADD_MILK: &str = r#"{"title":"Milk"}"#;

/// An owner of runs, and a replica that was there before it.
fn two(database: &TestDatabase, model: &FakeModel) -> (Process, Process) {
    let survivor = Process::start(database.url(), model, &FLAGS);
    let owner = Process::start(database.url(), model, &FLAGS);
    (owner, survivor)
}

/// A tool call, then more words than anybody waits for; returns all that is said.
fn script(model: &FakeModel) -> String {
    let call = Step::call(0, "c1", "add_task", ADD_MILK);
    let words: Vec<String> = (0..1_000).map(|number| format!("word{number} ")).collect();
    let slowly = words.iter().flat_map(|word| {
        let pause = Step::Wait(Duration::from_millis(20));
        [Step::text(word), pause]
    });
    model.script([
        Reply::Stream(vec![
            Step::text("Let me add it."),
            call,
            Step::end("tool_calls"),
        ]),
        Reply::Stream(slowly.collect()),
    ]);
    format!("Let me add it.\n\n{}", words.concat())
}

/// Checks the end of a run that was interrupted behind the event before it.
fn is_interrupted(events: &[Event]) {
    let [.., before, completed, end] = events else {
        panic!("{events:?}");
    };
    assert_eq!(completed.name, "message.completed");
    assert_eq!(completed.data["message"]["status"], "incomplete");
    assert_eq!(end.name, "run.failed");
    assert_eq!(end.data["run"]["status"], "failed");
    assert_eq!(end.data["run"]["error"]["code"], "interrupted");
    assert_eq!(
        [completed.id, end.id],
        [before.id + GAP, before.id + GAP + 1]
    );
}

/// All that is told from here on, of a run whose owner has just fallen silent.
async fn rest_in_time(stream: &mut Events) -> Vec<Event> {
    tokio::time::timeout(CLOSED_WITHIN, stream.rest())
        .await
        .expect("the run was not closed in time")
}

async fn what_was_stored_of_a_killed_answer_is_kept(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    let model = FakeModel::start().await;
    let (owner, survivor) = two(&database, &model);
    let (here, there) = (owner.client("alice"), survivor.client("alice"));
    let id = here.create_conversation().await;
    let said = script(&model);
    let run = here.begin_run(&id, json!({"content": "Add milk"})).await;
    let mut at_owner = here.follow(&run, None).await;
    let mut stream = there.follow(&run, None).await;
    let mut events = stream.up_to(|event| event.data["text"] == "word20 ").await;
    owner.kill();
    let seen = at_owner.remains().await;
    events.extend(rest_in_time(&mut stream).await);

    is_interrupted(&events);
    let (told, closing) = events.split_at(events.len() - 2);
    let message = &closing[0].data["message"];
    let kept = message["content"].as_str().unwrap();
    assert_eq!(kept, text_of(told));
    assert!(said.starts_with(kept), "{kept}");
    assert!(kept.contains("word20 "), "{kept}");
    assert_eq!(
        names(told)
            .iter()
            .filter(|name| **name != "message.delta")
            .collect::<Vec<_>>(),
        [
            &"run.started",
            &"message.created",
            &"tool_call.started",
            &"tool_call.completed"
        ]
    );
    // Who follows from the beginning, and who saw more than was stored.
    assert_eq!(there.follow_to_end(&run, None).await, events);
    assert_eq!(seen[..told.len()], *told);
    let last = seen.last().unwrap();
    assert_eq!(there.follow_to_end(&run, Some(last.id)).await, closing);

    let history = there.history(&id).await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1], *message);
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(message["tool_calls"][0]["status"], "success");
    there.say(&id, "Are you there?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_of_a_killed_answer_is_kept_on_sqlite() {
    what_was_stored_of_a_killed_answer_is_kept(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_of_a_killed_answer_is_kept_on_postgresql() {
    what_was_stored_of_a_killed_answer_is_kept(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_tool_that_ran_in_a_killed_process_nothing_is_known() {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let model = FakeModel::start().await;
    let (owner, survivor) = two(&database, &model);
    let (here, there) = (owner.client("alice"), survivor.client("alice"));
    let id = here.create_conversation().await;
    let gate = Gate::default();
    let call = |id: &str| Step::call(0, id, "add_task", ADD_MILK);
    let end = || Step::end("tool_calls");
    let waits = [Step::text("Once more."), Step::Gate(gate.clone())];
    model.script([
        Reply::Stream(vec![call("c1"), end()]),
        Reply::Stream(waits.into_iter().chain([call("c2"), end()]).collect()),
    ]);
    let run = here.begin_run(&id, json!({"content": "Twice"})).await;
    let mut stream = there.follow(&run, None).await;
    let mut events = stream.up_to(|event| event.name == "message.delta").await;
    // The tool is not done before this ends.
    let held = Cluster::shared().hold(database.name(), "LOCK TABLE tasks, task_counters");
    gate.open();
    let started = |event: &Event| event.name == "tool_call.started";
    events.extend(stream.up_to(started).await);
    owner.kill();
    events.extend(rest_in_time(&mut stream).await);
    drop(held);

    is_interrupted(&events);
    let message = &events[events.len() - 2].data["message"];
    let calls = message["tool_calls"].as_array().unwrap();
    let statuses: Vec<_> = calls.iter().map(|call| &call["status"]).collect();
    assert_eq!(statuses, ["success", "unknown"]);
    assert_eq!(message["content"], "Once more.");
    assert_eq!(there.history(&id).await[1], *message);
    assert_eq!(there.follow_to_end(&run, None).await, events);
    there.say(&id, "Are you there?").await;
}

/// Everything that stands in the tables that runs write to.
fn everything(database: &TestDatabase) -> Vec<String> {
    let tables = [
        "conversations",
        "messages",
        "runs",
        "run_events",
        "tool_calls",
        "tasks",
        "task_counters",
    ];
    let cluster = Cluster::shared();
    let rows = |table| format!("SELECT row_to_json(t) FROM {table} t ORDER BY t::text");
    tables
        .map(|table| cluster.sql(database.name(), &rows(table)))
        .into()
}

/// Says something as soon as the conversation takes it; returns the answer.
async fn say_when_it_is_free(client: &Client, conversation: &str) -> Value {
    let path = format!("/api/chat/conversations/{conversation}/messages");
    let answer = async {
        loop {
            let sent = client.post(&path, json!({"content": "Go on"})).await;
            if sent.status != StatusCode::CONFLICT {
                return sent.expect(StatusCode::CREATED)["assistant_message"].clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(CLOSED_WITHIN, answer)
        .await
        .expect("the conversation is still busy")
}

/// An answer that both replicas tell to a follower.
struct Followed {
    here: Client,
    there: Client,
    conversation: String,
    run: String,
    stream: Events,
    seen: Vec<Event>,
}

/// Answers of the owner's that wait for the gate, and then call a tool.
async fn followed(
    (owner, other): (&Process, &Process),
    model: &FakeModel,
    gate: &Gate,
) -> Vec<Followed> {
    let mut all = Vec::new();
    for user in ["alice", "bob", "carol", "dave"] {
        let (here, there) = (owner.client(user), other.client(user));
        let conversation = here.create_conversation().await;
        model.script([Reply::Stream(vec![
            Step::text("Half"),
            Step::Gate(gate.clone()),
            Step::call(0, "c1", "add_task", ADD_MILK),
            Step::end("tool_calls"),
        ])]);
        let body = json!({"content": "Add milk"});
        let run = here.begin_run(&conversation, body).await;
        let mut stream = here.follow(&run, None).await;
        let is_delta = |event: &Event| event.name == "message.delta";
        let seen = stream.up_to(is_delta).await;
        // It is stored.
        let stored = there.follow(&run, None).await.up_to(is_delta).await;
        assert_eq!(stored, seen);
        all.push(Followed {
            here,
            there,
            conversation,
            run,
            stream,
            seen,
        });
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_slept_past_its_leases_changes_nothing() {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let model = FakeModel::start().await;
    let (owner, survivor) = two(&database, &model);
    let gate = Gate::default();
    let mut all = followed((&owner, &survivor), &model, &gate).await;
    owner.signal("STOP");
    for run in &all {
        let answer = say_when_it_is_free(&run.there, &run.conversation).await;
        assert_eq!(answer["content"], "You said: Go on");
    }
    let asked = model.requests().len();
    let before = everything(&database);
    // It wakes up to its tool calls, and extending its leases, which would tell it, has to wait.
    gate.open();
    let held = Cluster::shared().hold(database.name(), "LOCK TABLE run_events IN SHARE MODE");
    owner.signal("CONT");
    let here = owner.client("alice");
    eventually("it has let go", || async {
        let metrics = here.get("/metrics").await;
        metrics.text.contains("\nchatkit_runs_active 0\n")
    })
    .await;
    drop(held);
    for run in &mut all {
        run.seen.extend(run.stream.rest().await);
        is_interrupted(&run.seen);
        assert_eq!(run.there.follow_to_end(&run.run, None).await, run.seen);
        assert_eq!(run.here.history(&run.conversation).await.len(), 4);
    }
    assert_eq!(everything(&database), before);
    assert_eq!(model.requests().len(), asked);
    for table in ["tool_calls", "tasks"] {
        let count = format!("SELECT count(*) FROM {table}");
        let count = Cluster::shared().sql(database.name(), &count);
        assert_eq!(count.trim(), "0", "{table}");
    }
}

/// Waits until a transaction waits for another, and ends its connection.
async fn cut_off_who_waits(database: &TestDatabase) {
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("somebody waits", || async {
        !Cluster::shared().sql(database.name(), cut).is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_taken_while_it_is_stored_has_one_end() {
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let model = FakeModel::start().await;
    let (owner, survivor) = two(&database, &model);
    let (here, there) = (owner.client("alice"), survivor.client("alice"));
    let id = here.create_conversation().await;
    let gate = Gate::default();
    let behind = [
        Step::Gate(gate.clone()),
        Step::text("and half."),
        Step::end("stop"),
    ];
    let steps = [Step::text("Half ")].into_iter().chain(behind).collect();
    model.script([Reply::Stream(steps)]);
    let run = here.begin_run(&id, json!({"content": "Both halves"})).await;
    let mut stream = here.follow(&run, None).await;
    // Something is stored.
    let is_delta = |event: &Event| event.name == "message.delta";
    there.follow(&run, None).await.up_to(is_delta).await;
    let held = Cluster::shared().hold(database.name(), "SELECT 1 FROM conversations FOR UPDATE");
    gate.open();
    let seen = stream
        .up_to(|event| event.data["text"] == "and half.")
        .await;
    // The owner does not know what became of its first attempt when it tries again.
    owner.signal("STOP");
    cut_off_who_waits(&database).await;
    drop(held);
    let whole = rest_in_time(&mut there.follow(&run, None).await).await;
    is_interrupted(&whole);
    let closing = &whole[whole.len() - 2..];
    owner.signal("CONT");
    assert_eq!(stream.rest().await, closing);
    let last = seen.last().map(|event| event.id);
    assert_eq!(there.follow_to_end(&run, last).await, closing);
    assert_eq!(here.history(&id).await[1], closing[0].data["message"]);
}
