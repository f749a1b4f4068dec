//! The process is killed while somebody reads its answer in a browser.

use std::{net::TcpListener, time::Duration};

use chatkit_tests::{
    Backend, TestDatabase,
    model::{FakeModel, Reply, Step},
    scenarios, token,
};

/// An answer of so many words, one after the other.
fn slowly(words: usize) -> Reply {
    let words = (1..=words).flat_map(|number| {
        let word = Step::text(&format!("word{number} "));
        [word, Step::Wait(Duration::from_millis(100))]
    });
    Reply::Stream(words.collect())
}

async fn the_text_so_far_and_one_button(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    let model = FakeModel::start().await;
    model.script([slowly(600), Reply::text("All of it.")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut server = vec![
        env!("CARGO_BIN_EXE_chatkit-server").to_owned(),
        format!("--listen-addr={address}"),
        format!("--better-auth-secret={}", token::SECRET),
        format!("--database-url={}", database.url()),
    ];
    server.extend(model.flags());
    let output = scenarios::command("killed")
        .await
        .args([&format!("http://{address}"), &token::of("alice")])
        .env("SERVER", serde_json::to_string(&server).unwrap())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_mins(3), output).await;
    let output = output.expect("the scenario takes too long").unwrap();
    assert!(output.status.success(), "{}", scenarios::told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_the_text_so_far_and_one_button_on_sqlite() {
    the_text_so_far_and_one_button(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_the_text_so_far_and_one_button_on_postgresql() {
    the_text_so_far_and_one_button(Backend::Postgres).await;
}
