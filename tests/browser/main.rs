//! What browsers do with the API by themselves.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod proxy;

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use chatkit_tests::{
    Backend, TestServer,
    follow::{Event, text_of},
    model::{FakeModel, Reply, Step},
    token::{SECRET, in_seconds, signed},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::proxy::Proxy;

/// The names under which Chromium is installed.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How long a browser may take to start and to see the run to its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser without a window, until it is dropped.
struct Browser {
    child: Child,
    _profile: TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let child = PROGRAMS
            .iter()
            .find_map(|program| {
                Command::new(program)
                    .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
                    .args(["--disable-dev-shm-usage", "--no-first-run"])
                    .arg(format!("--user-data-dir={}", profile.path().display()))
                    .arg(url)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()
            })
            .expect("Chromium: `cargo xtask test` installs it where it can");
        Self {
            child,
            _profile: profile,
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer that takes a while.
fn slowly(text: &str) -> Reply {
    let words = text
        .split_inclusive(' ')
        .flat_map(|word| [Step::text(word), Step::Wait(Duration::from_millis(400))]);
    Reply::Stream(words.chain([Step::end("stop")]).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_source_follows_connects_again_and_stops_by_itself() {
    let model = FakeModel::start().await;
    let text = "One two three four five six seven eight.";
    model.script([slowly(text)]);
    let proxy = Proxy::bind(include_str!("follow.html")).await;
    let public = format!("--public-url={}", proxy.url());
    let server = TestServer::start_asking(Backend::Sqlite, &model, &[&public]).await;
    let claims = json!({"sub": "alice", "aud": "sign-in", "exp": in_seconds(600)});
    let page = format!(
        "{}/follow.html?token={}",
        proxy.url(),
        signed(&claims, SECRET)
    );
    let address = server.url()["http://".len()..].parse().unwrap();
    let (_proxy, mut reported) = proxy.serve(address);
    let _browser = Browser::open(&page);
    let report = tokio::time::timeout(PATIENCE, reported.recv()).await;
    let report: Value = serde_json::from_str(&report.unwrap().unwrap()).unwrap();

    let events: Vec<Event> = report["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| Event {
            id: event["id"].as_u64().unwrap(),
            name: event["name"].as_str().unwrap().to_owned(),
            data: event["data"].clone(),
        })
        .collect();
    assert!(events.is_sorted_by(|one, next| one.id < next.id));
    assert_eq!(text_of(&events), text);
    let run = events.last().unwrap();
    assert_eq!(run.name, "run.completed");
    // It was cut several times, and the last time it connected there was nothing.
    let opened = report["opened"].as_u64().unwrap();
    assert!(opened >= 3, "{opened}");
    assert_eq!(report["errors"], opened + 1);
    let path = format!(
        "/api/chat/conversations/{}/runs/{}",
        run.data["run"]["conversation_id"].as_str().unwrap(),
        run.data["run"]["id"].as_str().unwrap()
    );
    let uncut = server.client("alice").follow_to_end(&path, None).await;
    assert_eq!(events, uncut);
}
