//! The examples, as people run them: built, started, and used with the started server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod embed;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use chatkit_tests::{
    Backend, TestServer, scenarios,
    token::{self, in_seconds},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
};

/// How long a program may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(5);

/// The app is built once for all tests.
static BUILT: OnceCell<()> = OnceCell::const_new();

/// Where the Next.js app is.
fn nextjs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nextjs-chatkit")
}

/// The Next.js app, built and running.
#[derive(Debug)]
struct App {
    /// Holds the pipe whose end stops it.
    _child: Child,
    _database: TempDir,
}

impl App {
    /// Starts it with settings as a deployment has them: nothing of them is in the build.
    async fn start(url: &str, port: u16, chatkit_url: &str) -> Self {
        let database = tempfile::tempdir().unwrap();
        let ending = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/end-with-stdin.mjs");
        let child = Command::new("node")
            .arg("--import")
            .arg(ending)
            .args(["node_modules/next/dist/bin/next", "start"])
            .args(["--hostname=127.0.0.1", &format!("--port={port}")])
            .current_dir(nextjs())
            .env("BETTER_AUTH_SECRET", "a-secret-of-the-app-0123456789abcdef")
            .env("BETTER_AUTH_URL", url)
            .env("AUTH_DATABASE", database.path().join("auth.db"))
            .env("CHATKIT_URL", chatkit_url)
            .env("CHATKIT_DOMAIN_KEY", "localhost")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("`cargo xtask test` installs what is missing");
        let health = format!("{url}/api/auth/ok");
        let answers = async {
            while !reqwest::get(&health)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answers = tokio::time::timeout(PATIENCE, answers).await;
        answers.expect("the app does not answer");
        Self {
            _child: child,
            _database: database,
        }
    }
}

/// A script of a Node package.
fn script(folder: PathBuf, name: &str) -> Command {
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", name])
        .current_dir(folder)
        .kill_on_drop(true);
    command
}

/// Runs a program to its end, which must be a good one.
async fn run(mut command: Command) {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.expect("it takes too long");
    let output = output.expect("`cargo xtask test` installs what is missing");
    assert!(output.status.success(), "{}", scenarios::told(&output));
}

/// A server as the example's README starts it. It also has a secret, with which tokens can be made
/// here.
async fn server_of(app: &str) -> TestServer {
    let flags = [
        format!("--jwks-url={app}/api/auth/jwks"),
        format!("--jwt-issuer={app}"),
        format!("--jwt-audience={app}"),
        format!("--cors-origins={app}"),
    ];
    let flags = flags.each_ref().map(String::as_str);
    TestServer::start_with(Backend::Sqlite, &flags).await
}

/// The app and the server, which know each other.
struct Stage {
    url: String,
    chatkit_url: String,
    _app: App,
    _server: TestServer,
}

impl Stage {
    async fn set() -> Self {
        // Both have to know the other's address before they start.
        let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = reserved.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let server = server_of(&url).await;
        let chatkit_url = format!("{}/chatkit", server.url());
        BUILT.get_or_init(|| run(script(nextjs(), "build"))).await;
        drop(reserved);
        Self {
            _app: App::start(&url, port, &chatkit_url).await,
            _server: server,
            url,
            chatkit_url,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nextjs_app_chats_with_the_server() {
    let stage = Stage::set().await;
    let claims = json!({
        "sub": "alice",
        "iss": stage.url,
        "aud": stage.url,
        "iat": in_seconds(-3_600),
        "exp": in_seconds(-3_000),
    });
    let mut test = script(nextjs(), "test");
    test.env("APP_URL", &stage.url)
        .env("CHATKIT_URL", &stage.chatkit_url)
        .env("EXPIRED_TOKEN", token::signed(&claims, token::SECRET));
    run(test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_use_the_nextjs_app_in_a_browser() {
    let stage = Stage::set().await;
    let mut scenarios = scenarios::command("nextjs").await;
    scenarios
        .args([&stage.url, &stage.chatkit_url])
        .kill_on_drop(true);
    run(scenarios).await;
}
