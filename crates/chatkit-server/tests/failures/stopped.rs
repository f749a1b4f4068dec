//! A replica is stopped, as an operator does, while it answers.

use std::time::Duration;

use chatkit_tests::{
    Answer, Backend, Client, TestDatabase, eventually,
    follow::{Event, Events, names, text_of},
    model::{FakeModel, Gate, Reply, Step},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Process;

const FLAGS: [&str; 1] = ["--shutdown-grace=3s"];
const ANSWERS: usize = 20;

/// One of many answers that are under way when the replica is stopped.
struct Turn {
    user: String,
    conversation: String,
    waits: Waits,
    /// Whether the model ends its answer in time.
    is_quick: bool,
}

/// How its user learns of it.
enum Waits {
    ForTheAnswer(JoinSet<Answer>),
    AtTheStream(String, Box<Events>, Vec<Event>),
}

fn messages(conversation: &str) -> String {
    format!("/api/chat/conversations/{conversation}/messages")
}

fn is_delta(event: &Event) -> bool {
    event.name == "message.delta"
}

/// An answer that ends behind the gate, or never.
fn half(gate: Option<&Gate>) -> Reply {
    let behind = match gate {
        Some(gate) => vec![
            Step::Gate(gate.clone()),
            Step::text("and half."),
            Step::end("stop"),
        ],
        None => vec![Step::Stall],
    };
    Reply::Stream([Step::text("Half ")].into_iter().chain(behind).collect())
}

/// Begins the answers one by one, so that each has its part of the script.
async fn begin(process: &Process, model: &FakeModel, gate: &Gate) -> Vec<Turn> {
    let mut turns = Vec::new();
    for number in 0..ANSWERS {
        let user = format!("user {number}");
        let client = process.client(&user);
        let conversation = client.create_conversation().await;
        let (is_quick, waits) = (number % 2 == 0, number % 4 < 2);
        model.script([half(is_quick.then_some(gate))]);
        let before = model.requests().len();
        let body = json!({"content": "Say something long"});
        let waits = if waits {
            let path = messages(&conversation);
            let mut answer = JoinSet::new();
            answer.spawn(async move { client.post(&path, body).await });
            Waits::ForTheAnswer(answer)
        } else {
            let run = client.begin_run(&conversation, body).await;
            let mut stream = client.follow(&run, None).await;
            let seen = stream.up_to(is_delta).await;
            Waits::AtTheStream(run, Box::new(stream), seen)
        };
        eventually("the model is asked", || async {
            model.requests().len() > before
        })
        .await;
        turns.push(Turn {
            user,
            conversation,
            waits,
            is_quick,
        });
    }
    turns
}

impl Turn {
    /// Checks what its user is told while the replica stops, and that it is what stands there.
    async fn ends(self, other: &Process) -> (String, String) {
        let there = other.client(&self.user);
        let (run, told) = match self.waits {
            Waits::ForTheAnswer(answer) => {
                let answer = answer.join_all().await.remove(0);
                (told_who_waited(&answer, self.is_quick), None)
            }
            Waits::AtTheStream(run, mut stream, mut seen) => {
                seen.extend(stream.rest().await);
                assert_eq!(stream.retry, None);
                (run, Some(seen))
            }
        };
        let (history, run) = (
            there.history(&self.conversation).await,
            there.get(&run).await,
        );
        let (status, text) = if self.is_quick {
            assert_eq!(run.body["status"], "completed");
            ("completed", "Half and half.")
        } else {
            assert_eq!(run.body["error"]["code"], "interrupted");
            ("incomplete", "Half ")
        };
        assert_eq!(history[1]["status"], status);
        assert_eq!(history[1]["content"], text);
        if let Some(told) = told {
            let [.., completed, end] = &told[..] else {
                panic!("{told:?}");
            };
            assert_eq!(text_of(&told), text);
            assert_eq!(completed.data["message"], history[1]);
            assert_eq!(end.data["run"], run.body);
        }
        (self.user, self.conversation)
    }
}

/// Checks the answer of a call that waited; returns the path of its run.
fn told_who_waited(answer: &Answer, is_quick: bool) -> String {
    let (conversation, run) = if is_quick {
        let run = &answer.expect(StatusCode::CREATED)["run"];
        (&run["conversation_id"], &run["id"])
    } else {
        let problem = answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "interrupted");
        assert!(problem["user_message_id"].is_string(), "{problem}");
        (&problem["conversation_id"], &problem["run_id"])
    };
    let [conversation, run] = [conversation, run].map(|id| id.as_str().unwrap());
    format!("/api/chat/conversations/{conversation}/runs/{run}")
}

/// Asks until nobody is there. Until then every request is answered: new turns are refused.
async fn ask_to_the_end(client: Client, conversation: String) -> usize {
    let path = messages(&conversation);
    for asked in 0.. {
        let turn = client
            .request(Method::POST, &path)
            .json(&json!({"content": "Hello?"}));
        for (request, status) in [
            (client.request(Method::GET, &path), StatusCode::OK),
            (turn, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            match request.send().await {
                Ok(response) => {
                    assert_eq!(response.status(), status);
                    let body: Value = response.json().await.unwrap();
                    assert!(
                        status == StatusCode::OK || body["code"] == "draining",
                        "{body}"
                    );
                }
                Err(error) => {
                    assert!(error.is_connect() || error.is_request(), "{error:?}");
                    return asked;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("it never ends")
}

/// Who follows an answer of another replica's is sent there.
async fn goes_on_elsewhere(
    (run, mut stream, mut seen): (String, Events, Vec<Event>),
    there: &Client,
    gate: &Gate,
) {
    seen.extend(stream.rest().await);
    assert_eq!(stream.retry, Some(1_000));
    assert!(!names(&seen).contains(&"message.completed"));
    let last = seen.last().map(|event| event.id);
    let mut stream = there.follow(&run, last).await;
    gate.open();
    seen.extend(stream.rest().await);
    assert_eq!(text_of(&seen), "Half and half.");
    assert_eq!(there.follow_to_end(&run, None).await, seen);
}

async fn a_stopped_replica_ends_what_it_can(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    let model = FakeModel::start().await;
    let [stopped, other] = [(); 2].map(|()| Process::start(database.url(), &model, &FLAGS));
    let (in_time, later) = (Gate::default(), Gate::default());
    let turns = begin(&stopped, &model, &in_time).await;
    let (here, there) = (stopped.client("zoe"), other.client("zoe"));
    let id = there.create_conversation().await;
    model.script([half(Some(&later))]);
    let run = there.begin_run(&id, json!({"content": "Mine"})).await;
    let mut stream = here.follow(&run, None).await;
    let seen = stream.up_to(is_delta).await;

    stopped.signal("TERM");
    eventually("it says that it stops", || async {
        here.get("/health/ready").await.status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let mut asking = JoinSet::new();
    asking.spawn(ask_to_the_end(here, id));
    goes_on_elsewhere((run, stream, seen), &there, &later).await;
    in_time.open();
    let mut interrupted = Vec::new();
    for turn in turns {
        let is_quick = turn.is_quick;
        let ended = turn.ends(&other).await;
        if !is_quick {
            interrupted.push(ended);
        }
    }
    assert!(asking.join_all().await[0] > 0);
    assert_eq!(stopped.ended().await.code(), Some(0));
    let again = Process::start(database.url(), &model, &FLAGS);
    for (user, conversation) in interrupted {
        again
            .client(&user)
            .say(&conversation, "Are you there?")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_replica_ends_what_it_can_on_sqlite() {
    a_stopped_replica_ends_what_it_can(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_replica_ends_what_it_can_on_postgresql() {
    a_stopped_replica_ends_what_it_can(Backend::Postgres).await;
}
