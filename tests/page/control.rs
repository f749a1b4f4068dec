//! What the scenarios in the browser ask of this side: the model's next answers, and a server that
//! goes away and comes back.

use std::{net::TcpListener, process::Stdio, time::Duration};

use chatkit_tests::{
    Backend, TestServer,
    model::{FakeModel, Reply, Step},
    scenarios,
    token::{self, SECRET, in_seconds, signed},
};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::history;

/// How long all scenarios of a file may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What stands before a line that asks for something.
const ASKS: &str = "@ ";

/// What is answered to what cannot be done now, such as stopping a server that is stopped.
const OUT_OF_PLACE: &str = "out of place";

/// Something that a scenario asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    /// The model's next answers.
    Script(Vec<Vec<Part>>),
    /// Stop the server, in the middle of whatever it does.
    Stop,
    /// Start it again.
    Start,
    /// A conversation of so many messages, as Bob's.
    History(usize),
}

/// A part of an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Text(String),
    Reasoning(String),
    /// Milliseconds.
    Wait(u64),
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    End(String),
    Stall,
    Abort,
}

impl From<Part> for Step {
    fn from(part: Part) -> Self {
        match part {
            Part::Text(text) => Self::text(&text),
            Part::Reasoning(text) => Self::delta(json!({"reasoning_content": text})),
            Part::Wait(pause) => Self::Wait(Duration::from_millis(pause)),
            Part::Call {
                id,
                name,
                arguments,
            } => Self::call(0, &id, &name, &arguments),
            Part::End(reason) => Self::end(&reason),
            Part::Stall => Self::Stall,
            Part::Abort => Self::Abort,
        }
    }
}

/// A server with its model, for a browser to visit.
pub(super) struct Stage {
    model: FakeModel,
    server: Running,
    url: String,

    /// Where pages of other origins may be, which may call.
    foreign_port: u16,
}

enum Running {
    Yes(Box<TestServer>),
    No(chatkit_tests::Stopped),
}

impl Stage {
    pub(super) async fn set(backend: Backend) -> Self {
        let model = FakeModel::start().await;
        // Where it is found again after it was away.
        let listen = format!("--listen-addr=127.0.0.1:{}", free_port());
        let foreign_port = free_port();
        let origins = format!(
            "--cors-origins=http://localhost:{foreign_port},http://127.0.0.1:{foreign_port}"
        );
        let flags = [listen.as_str(), &origins, "--shutdown-grace=0s"];
        let server = TestServer::start_asking(backend, &model, &flags).await;
        Self {
            model,
            url: server.url(),
            server: Running::Yes(Box::new(server)),
            foreign_port,
        }
    }

    /// Has the scenarios of a file played, and answers what they ask for.
    pub(super) async fn play(self, file: &str) {
        let sign_in = json!({"sub": "carol", "aud": "sign-in", "exp": in_seconds(600)});
        let expired = json!({"sub": "alice", "exp": in_seconds(-600)});
        let mut command = scenarios::command(file).await;
        command
            .arg(&self.url)
            .args([
                token::of("alice"),
                token::of("bob"),
                signed(&sign_in, SECRET),
                signed(&expired, SECRET),
                self.foreign_port.to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .expect("`cargo xtask test` installs what is missing");
        let mut answers = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (model, mut server) = (self.model, self.server);
        let played = async {
            let mut told = String::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                let Some(asked) = line.strip_prefix(ASKS) else {
                    told.push_str(&line);
                    told.push('\n');
                    continue;
                };
                let asked = serde_json::from_str(asked).unwrap();
                let (now, answer) = carry_out(asked, &model, server).await;
                server = now;
                let answer = format!("{answer}\n");
                answers.write_all(answer.as_bytes()).await.unwrap();
            }
            (told, child.wait().await.unwrap())
        };
        let (told, status) = tokio::time::timeout(PATIENCE, played)
            .await
            .expect("the scenarios take too long");
        assert!(status.success(), "{told}");
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Carries out what is asked for. Returns the server as it is then, and the answer.
async fn carry_out(asked: Asked, model: &FakeModel, server: Running) -> (Running, String) {
    let mut answer = "ok".to_owned();
    let server = match (asked, server) {
        (Asked::Script(replies), server) => {
            let replies = replies.into_iter();
            let replies: Vec<Reply> = replies
                .map(|parts| Reply::Stream(parts.into_iter().map(Step::from).collect()))
                .collect();
            model.script(replies);
            server
        }
        (Asked::Stop, Running::Yes(server)) => Running::No(server.pause().await),
        (Asked::Start, Running::No(stopped)) => Running::Yes(Box::new(stopped.start().await)),
        (Asked::History(messages), Running::Yes(server)) => {
            let conversation = history::insert(server.database(), "bob", messages).await;
            answer = conversation.to_string();
            Running::Yes(server)
        }
        (_, server) => {
            answer = OUT_OF_PLACE.to_owned();
            server
        }
    };
    (server, answer)
}
