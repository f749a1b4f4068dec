//! The started server against its own contract, by requests that schemathesis makes from it: what
//! fits the contract, what does not, and calls after one another.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

use std::{fs, path::Path, process::Command};

use chatkit_tests::{Backend, TestServer, token};
use serde_json::{Value, json};

/// Runs all that `schemathesis.toml` says.
async fn check(backend: Backend) {
    let server = TestServer::start(backend).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
    let scratch = tempfile::tempdir().unwrap();
    let users = scratch.path().join("users.json");
    fs::write(&users, users_file().to_string()).unwrap();
    let mut command = Command::new(folder.join(".venv/bin/st"));
    command
        .args([
            "run",
            "--no-color",
            &format!("{}/openapi.yaml", server.url()),
        ])
        .env("USERS", &users)
        .env("HYPOTHESIS_STORAGE_DIRECTORY", scratch.path())
        .current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let output = output.expect("`cargo xtask test` installs what is missing");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Two users and their tokens, in the form of the Web Fuzzing Commons.
fn users_file() -> Value {
    let user = |name: &str| {
        let authorization = format!("Bearer {}", token::of(name));
        json!({"name": name, "fixedHeaders": [{"name": "Authorization", "value": authorization}]})
    };
    json!({"auth": [user("alice"), user("bob")]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_sqlite() {
    check(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_postgresql() {
    check(Backend::Postgres).await;
}
