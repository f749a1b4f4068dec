//! Clients in other languages: generated from the contract, compiled strictly, and run.
#![expect(clippy::expect_used, reason = "a test that cannot go on panics")]

use std::{path::Path, process::Command};

use chatkit_tests::{Backend, TestServer, token};

fn npm(arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    assert!(
        folder.join("node_modules").exists(),
        "the Node packages are missing: `cargo xtask test` installs them"
    );
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("npm");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn code_that_uses_generated_clients_compiles_strictly() {
    npm(&["test"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_client_speaks_to_a_running_server() {
    let server = TestServer::start(Backend::Sqlite).await;
    let (url, token) = (server.url(), token::of("alice"));
    tokio::task::spawn_blocking(move || npm(&["run", "--silent", "live", "--", &url, &token]))
        .await
        .unwrap();
}
