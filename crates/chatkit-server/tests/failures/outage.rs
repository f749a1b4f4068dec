//! PostgreSQL goes away in the middle of answers, and comes back.

use std::time::Duration;

use chatkit_tests::{
    Client,
    follow::{Event, Events, text_of},
    model::{FakeModel, Gate, Reply, Step},
    postgres::{Cluster, Stop},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::process::Process;

const FLAGS: [&str; 1] = ["--run-lease=9s"];

/// Longer than it takes a replica to look for silent runs again, shorter than the lease.
const LOOKED: Duration = Duration::from_millis(3_200);

/// Longer than the lease.
const OUTAGE: Duration = Duration::from_secs(16);

/// For how long what a run came to is held on to.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer that is followed at each replica, first where it is given.
struct Answer {
    conversation: String,
    run: String,
    text: String,
    told: Vec<Told>,
}

/// What a follower is told.
struct Told {
    client: Client,
    stream: Events,
    seen: Vec<Event>,
}

/// What the model does while the database is away, and what it says in all.
fn scripts(away: &Gate, back: &Gate) -> [(Vec<Step>, &'static str); 3] {
    let wait = |gate: &Gate| Step::Gate(gate.clone());
    let pause = || Step::Wait(Duration::from_millis(300));
    let goes_on = |word| [pause(), Step::text(word)];
    let tokens = ["one ", "two ", "three ", "four "].map(goes_on).concat();
    let end = || Step::end("stop");
    let call = Step::call(0, "c1", "add_task", r#"{"title":"Milk"}"#);
    [
        // It ends.
        (
            vec![wait(away), pause(), Step::text("done."), end()],
            "Begun, done.",
        ),
        // It goes on until the database is back.
        (
            [
                vec![wait(away)],
                tokens,
                vec![wait(back), Step::text("five."), end()],
            ]
            .concat(),
            "Begun, one two three four five.",
        ),
        // It calls a tool.
        (
            vec![wait(away), pause(), call, Step::end("tool_calls")],
            "Begun, \n\nYou said: Go",
        ),
    ]
}

async fn begin(clients: &[Client], model: &FakeModel, (steps, text): (Vec<Step>, &str)) -> Answer {
    let conversation = clients[0].create_conversation().await;
    let steps = [vec![Step::text("Begun, ")], steps].concat();
    model.script([Reply::Stream(steps)]);
    let body = json!({"content": "Go"});
    let run = clients[0].begin_run(&conversation, body).await;
    let mut told = Vec::new();
    for client in clients {
        let mut stream = client.follow(&run, None).await;
        let seen = stream.up_to(|event| event.name == "message.delta").await;
        told.push(Told {
            client: client.clone(),
            stream,
            seen,
        });
    }
    Answer {
        conversation,
        run,
        text: text.to_owned(),
        told,
    }
}

/// Waits until the server says that it is ready, or that it is not.
async fn readiness(client: &Client, status: StatusCode) {
    let asked = async {
        while client.get("/health/ready").await.status != status {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, asked).await.expect("readiness is wrong");
}

impl Answer {
    /// Checks that each follower is told all of it once, and that it stands there.
    async fn ends_whole(self) {
        for mut told in self.told {
            let rest = timeout(PATIENCE, told.stream.rest());
            told.seen.extend(rest.await.expect("the run has no end"));
            let (client, events) = (&told.client, &told.seen);
            assert_eq!(told.stream.retry, None);
            let end = events.last().unwrap();
            assert_eq!(end.name, "run.completed", "{end:?}");
            assert_eq!(text_of(events), self.text);
            assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id));
            let history = client.history(&self.conversation).await;
            assert_eq!(history[1]["content"], self.text);
            assert_eq!(history[1]["status"], "completed");
            assert_eq!(events[events.len() - 2].data["message"], history[1]);
            assert_eq!(client.follow_to_end(&self.run, None).await, *events);
        }
    }
}

/// Starts the database again; the process that answers is the last to find it.
async fn start_again(cluster: &Cluster, processes: &[Process]) {
    let [owner, others @ ..] = processes else {
        panic!("nobody answers");
    };
    owner.signal("STOP");
    cluster.start_again();
    for other in others {
        readiness(&other.client("alice"), StatusCode::OK).await;
        sleep(LOOKED).await;
    }
    owner.signal("CONT");
}

async fn answers_outlive_the_outage(how: Stop, replicas: usize) {
    let cluster = tokio::task::spawn_blocking(Cluster::own).await.unwrap();
    let url = cluster.url(&cluster.create_database(None));
    let model = FakeModel::start().await;
    let processes: Vec<_> = (0..replicas)
        .map(|_| Process::start(&url, &model, &FLAGS))
        .collect();
    let clients: Vec<_> = processes.iter().map(|it| it.client("alice")).collect();
    let alice = &clients[0];
    let kept = alice.create_conversation().await;
    let acknowledged: [Value; 3] = [
        alice.say(&kept, "one").await,
        alice.say(&kept, "two").await,
        alice.say(&kept, "three").await,
    ];
    let before = alice.history(&kept).await;
    readiness(alice, StatusCode::OK).await;
    let (away, back) = (Gate::default(), Gate::default());
    let mut answers = Vec::new();
    for script in scripts(&away, &back) {
        answers.push(begin(&clients, &model, script).await);
    }

    cluster.stop(how);
    let stopped = Instant::now();
    away.open();
    readiness(alice, StatusCode::SERVICE_UNAVAILABLE).await;
    let path = format!("/api/chat/conversations/{kept}/messages");
    let refused = alice.post(&path, json!({"content": "four"})).await;
    refused.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    // What is said meanwhile is told at once.
    let at_owner = &mut answers[1].told[0];
    let is_last = |event: &Event| event.data["text"] == "four ";
    at_owner.seen.extend(at_owner.stream.up_to(is_last).await);
    sleep_until(stopped + OUTAGE).await;
    start_again(&cluster, &processes).await;
    back.open();

    for answer in answers {
        answer.ends_whole().await;
    }
    readiness(alice, StatusCode::OK).await;
    assert_eq!(alice.history(&kept).await, before);
    for (turn, said) in acknowledged.iter().zip(before.chunks(2)) {
        assert_eq!(
            [&turn["user_message"], &turn["assistant_message"]],
            [&said[0], &said[1]]
        );
    }
    alice.say(&kept, "four").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_outlive_a_database_that_crashes() {
    answers_outlive_the_outage(Stop::Immediate, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_one_of_two_replicas_outlive_a_database_that_is_stopped() {
    answers_outlive_the_outage(Stop::Fast, 2).await;
}
