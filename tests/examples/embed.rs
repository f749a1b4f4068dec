//! The axum application of `examples/embed`.

use std::process::Stdio;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{PATIENCE, run};

/// The application, built and running in a folder of its own.
struct Library {
    process: Child,
    url: String,
    http: Client,
    _folder: TempDir,
}

impl Library {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(built().await)
            .arg("127.0.0.1:0")
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let (_, url) = line.split_once("listening on ").unwrap();
        Self {
            process,
            url: url.to_owned(),
            http: Client::new(),
            _folder: folder,
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.url));
        request.header("x-api-key", "alices-key")
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.header("x-api-key", "alices-key").json(&body);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response.json().await.unwrap()
    }

    /// Starts a run and returns all of its events.
    async fn events_of(&self, conversation: &str, message: &str) -> String {
        let runs = format!("/assistant/api/chat/conversations/{conversation}/runs");
        let started = self.post(&runs, json!({"content": message})).await;
        let run = started["run"]["id"].as_str().unwrap();
        let events = self.get(&format!("{runs}/{run}/events")).send().await;
        events.unwrap().text().await.unwrap()
    }

    /// Stops the application as an operator would.
    async fn terminate(mut self) {
        let process = self.process.id().unwrap().to_string();
        let mut kill = Command::new("kill");
        kill.args(["-s", "TERM", &process]);
        run(kill).await;
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        assert!(status.unwrap().unwrap().success());
    }
}

/// Builds the application. The whole workspace is named, so that its dependencies are compiled with
/// the features that the tests use too.
async fn built() -> std::path::PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--workspace", "--bin", "embed"]);
    run(build).await;
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec();
    let target = metadata.unwrap().target_directory;
    target.into_std_path_buf().join("debug/embed")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_axum_application_serves_chatkit_as_a_part_of_itself() {
    let library = Library::start().await;
    let home = library.get("/").send().await.unwrap();
    assert_eq!(home.text().await.unwrap(), "The library");

    let path = "/assistant/api/info";
    let stranger = library.http.get(format!("{}{path}", library.url));
    let refused = stranger.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let info: Value = library
        .get(path)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(info["user_id"], "alice");
    assert_eq!(info["provider"], "librarian");

    let sign_in = library
        .http
        .post(format!("{}/assistant/api/session", library.url));
    let sign_in = sign_in.bearer_auth("a.b.c").send().await.unwrap();
    assert_eq!(sign_in.status(), StatusCode::NOT_IMPLEMENTED);

    let conversations = "/assistant/api/chat/conversations";
    let conversation = library.post(conversations, json!({})).await;
    let conversation = conversation["id"].as_str().unwrap();
    let events = library.events_of(conversation, "Emma").await;
    assert!(events.contains("find_book"), "{events}");
    assert!(events.contains("Emma is on shelf 4"), "{events}");
    let events = library.events_of(conversation, "When do you open?").await;
    assert!(events.contains("We are open from 9 to 5."), "{events}");
    library.terminate().await;
}
