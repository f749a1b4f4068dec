//! Many answers at once.

use std::{process::Command, sync::Arc, time::Duration};

use chatkit_tests::{
    Backend, Client, TestDatabase,
    follow::{Event, Events, names, text_of},
    model::{FakeModel, Gate},
};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::process::Process;

const ANSWERS: usize = 1_000;

/// As many as a user may have.
const OF_ONE_USER: usize = 4;

/// As many as begin at the same time.
const AT_ONCE: usize = 32;

/// How many words the model says before it repeats what it heard.
const WORDS_BEFORE: usize = 2;

const WORDS: usize = 100;

/// Each word is of one answer alone.
fn question(number: usize) -> String {
    let words = (WORDS_BEFORE..WORDS).map(|word| format!("{number}.{word}"));
    words.collect::<Vec<_>>().join(" ")
}

/// An answer that is followed.
struct Answer {
    number: usize,
    stream: Events,
    seen: Vec<Event>,
}

impl Answer {
    async fn begin(client: Client, number: usize) -> Self {
        let id = client.create_conversation().await;
        let body = json!({"content": question(number)});
        let run = client.begin_run(&id, body).await;
        let mut stream = client.follow(&run, None).await;
        let seen = stream.up_to(|event| event.name == "message.created").await;
        Self {
            number,
            stream,
            seen,
        }
    }

    async fn ends_exactly(mut self) {
        let number = self.number;
        self.seen.extend(self.stream.rest().await);
        let events = &self.seen;
        assert_eq!(text_of(events), format!("You said: {}", question(number)));
        assert!(
            events.windows(2).all(|pair| pair[0].id < pair[1].id),
            "{number}"
        );
        assert_eq!(
            names(&events[events.len() - 2..]),
            ["message.completed", "run.completed"]
        );
        assert_eq!(self.stream.retry, None);
    }
}

/// Each answer takes two connections here and two in the server.
fn allow_many_files() {
    let process = std::process::id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &process, "--nofile=8192:"])
        .status();
    assert!(raised.unwrap().success(), "too few files may be open");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_answers_at_once_each_is_exact() {
    allow_many_files();
    let database = TestDatabase::fresh(Backend::Postgres).await;
    let gate = Gate::default();
    let model = FakeModel::echoing(&gate, Duration::from_millis(100)).await;
    let flag = format!("--max-runs={ANSWERS}");
    let server = Process::start(database.url(), &model, &[&flag]);
    let client = server.client("nobody");
    let mut begun = JoinSet::new();
    let few = Arc::new(Semaphore::new(AT_ONCE));
    for number in 0..ANSWERS {
        let client = client.as_user(&format!("user {}", number / OF_ONE_USER));
        let few = few.clone();
        begun.spawn(async move {
            let _one = few.acquire().await.unwrap();
            Answer::begin(client, number).await
        });
    }
    let begun = begun.join_all().await;
    gate.open();
    let mut ended = JoinSet::new();
    for answer in begun {
        ended.spawn(answer.ends_exactly());
    }
    ended.join_all().await;
}
