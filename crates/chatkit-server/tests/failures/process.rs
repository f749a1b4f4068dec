//! The binary, as a process that signals reach.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
};

use chatkit_tests::{Client, model::FakeModel, token};
use serde_json::Value;

/// The binary, until this is dropped at the latest.
pub(crate) struct Process {
    child: Child,
    url: String,
}

impl Process {
    /// Starts it on a database, with a model that answers and these flags.
    pub(crate) fn start(database_url: &str, model: &FakeModel, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatkit-server"));
        command
            .env_clear()
            .args(["--listen-addr=127.0.0.1:0", "--log-format=json"])
            .args(["--better-auth-secret", token::SECRET])
            .args(["--database-url", database_url])
            .args(model.flags())
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = log
            .find_map(|line| {
                let line: Value = serde_json::from_str(&line.ok()?).ok()?;
                let is_listening = line["message"] == "listening";
                Some(
                    line["address"]
                        .as_str()
                        .filter(|_| is_listening)?
                        .to_owned(),
                )
            })
            .unwrap();
        // Nobody reads the rest, and it goes on.
        Self {
            child,
            url: format!("http://{address}"),
        }
    }

    /// A client that is signed in as this user.
    pub(crate) fn client(&self, user: &str) -> Client {
        Client::of(&self.url, user)
    }

    /// SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &process]).status();
        assert!(kill.unwrap().success(), "{name}");
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let wait = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        wait.await.unwrap()
    }

    /// Its resident memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
        resident.unwrap().trim().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
