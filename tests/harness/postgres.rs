//! A PostgreSQL cluster for the test process.
//!
//! The cluster starts at its first use. It and its files are removed when the process ends, however
//! it ends, because a supervisor reads from a pipe that this process holds open. A test that stops
//! PostgreSQL has its own cluster.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the server until the end of standard input, and then removes its files. A line of the input
/// names a signal that stops the server, or `START`, which starts it again.
const SUPERVISOR: &str = r#"
serve() {
  "$BIN/postgres" -D "$DIR/data" -p "$PORT" -k "$DIR" -c listen_addresses=127.0.0.1 \
    -c fsync=off -c synchronous_commit="$COMMIT" -c max_connections=200 >>"$DIR/log" 2>&1 &
}
serve
while read -r line; do
  if [ "$line" = START ]; then serve; else kill -"$line" $!; wait $!; fi
done
kill -QUIT $! 2>/dev/null
wait
rm -rf "$DIR"
"#;

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    port: u16,
    folder: PathBuf,
    /// Holds the pipe. The cluster ends when the pipe is closed.
    supervisor: Child,
}

/// The way in which PostgreSQL is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server aborts its clients' transactions, and writes its data.
    Fast,
    /// The server ends without writing its data, as in a crash.
    Immediate,
}

/// A transaction that stays open until this is dropped.
#[derive(Debug)]
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // The client may already have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cluster {
    /// The cluster of this process.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        // This cluster never stops, so its commits need not be written at once.
        CLUSTER.get_or_init(|| Self::start("off"))
    }

    /// Starts a cluster for one test, which can stop it. It is removed when this value is dropped.
    #[must_use]
    pub fn own() -> Self {
        Self::start("on")
    }

    /// Stops the server. The cluster keeps its port.
    ///
    /// # Panics
    /// When the server does not stop.
    pub fn stop(&self, how: Stop) {
        self.command(match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        });
        self.wait_until("PostgreSQL did not stop", || !self.is_ready());
    }

    /// Starts a stopped server again, on the same port.
    ///
    /// # Panics
    /// When the server does not start.
    pub fn start_again(&self) {
        self.command("START");
        self.wait_until("PostgreSQL did not start again", || self.is_ready());
    }

    fn command(&self, line: &str) {
        let mut supervisor = self.supervisor.stdin.as_ref().unwrap();
        writeln!(supervisor, "{line}").unwrap();
    }

    fn wait_until(&self, otherwise: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < START_TIMEOUT, "{otherwise}: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start(commit: &str) -> Self {
        let bin = binaries();
        let folder = std::env::temp_dir().join(format!("chatkit-postgres-{}", Uuid::now_v7()));
        let made = as_postgres(Path::new("/bin/mkdir")).arg(&folder).status();
        assert!(
            made.unwrap().success(),
            "could not create {}",
            folder.display()
        );
        let data = folder.join("data");
        let initdb = bin.join("initdb");
        let output = as_postgres(&initdb)
            .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8"])
            .args(["--locale", "C.UTF-8", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {output:?}");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let supervisor = as_postgres(Path::new("/bin/sh"))
            .args(["-c", SUPERVISOR])
            .env("BIN", &bin)
            .env("DIR", &folder)
            .env("PORT", port.to_string())
            .env("COMMIT", commit)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let cluster = Self {
            bin,
            port,
            folder,
            supervisor,
        };
        cluster.wait_until("PostgreSQL did not start", || cluster.is_ready());
        cluster
    }

    fn is_ready(&self) -> bool {
        self.client("pg_isready")
            .output()
            .is_ok_and(|output| output.status.success())
    }

    /// Creates an empty database, or a copy of another, and returns its name.
    ///
    /// # Panics
    /// When PostgreSQL refuses.
    pub fn create_database(&self, template: Option<&str>) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let template = template.unwrap_or("template0");
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE {template}"),
        );
        name
    }

    /// Runs SQL in a database, and returns its rows as lines, with `|` between columns.
    ///
    /// # Panics
    /// When PostgreSQL refuses.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self
            .client("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                database,
                "-c",
                sql,
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs SQL in a transaction that stays open and keeps its locks.
    ///
    /// # Panics
    /// When PostgreSQL refuses.
    #[must_use]
    pub fn hold(&self, database: &str, sql: &str) -> Held {
        let mut held = self
            .client("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Closing standard input would end the transaction.
        let mut statements = held.stdin.as_ref().unwrap();
        writeln!(statements, "BEGIN;\n{sql};\n\\echo held").unwrap();
        let mut said = BufReader::new(held.stdout.take().unwrap()).lines();
        let is_held = said.any(|line| line.unwrap() == "held");
        assert!(is_held, "{sql}");
        Held(held)
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The log of the server so far.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// The id of the parent process of all processes of the cluster.
    ///
    /// # Panics
    /// When the cluster's files cannot be read.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string());
        command
    }
}

/// A command that runs a program as a user that PostgreSQL accepts. PostgreSQL refuses to run as
/// root.
fn as_postgres(program: &Path) -> Command {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if is_root {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

/// The folder of `initdb` and `postgres`: `PG_BIN`, Debian's newest, or that on `PATH`.
fn binaries() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests are configured by this one variable"
    )]
    let configured = std::env::var("PG_BIN").map(PathBuf::from);
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    configured
        .into_iter()
        .chain(debian.into_iter().rev())
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .expect("PostgreSQL's server programs: `cargo xtask test` finds or installs them")
}
