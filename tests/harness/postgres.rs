//! A PostgreSQL cluster of the test process's own.
//!
//! It is started at first use and goes, with its files, when the process ends, however it ends:
//! its supervisor reads from a pipe that this process holds open. A test that stops PostgreSQL has
//! a cluster to itself.

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

/// Runs the server until its standard input ends, then removes it. A line there is a signal by
/// which it is stopped, or has it start again.
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
    /// Holds the pipe whose end stops the cluster.
    supervisor: Child,
}

/// How PostgreSQL is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It ends what its clients do, and writes what it has.
    Fast,
    /// It leaves everything as it is, as in a crash.
    Immediate,
}

/// A transaction that stays open until this is dropped.
#[derive(Debug)]
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // One that has ended by itself is no failure.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cluster {
    /// The cluster of this process.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        // Nothing stops it, so that nothing need be written at once.
        CLUSTER.get_or_init(|| Self::start("off"))
    }

    /// A cluster of the caller's own, which can be stopped. It goes with this value.
    #[must_use]
    pub fn own() -> Self {
        Self::start("on")
    }

    /// Stops it. Its port stays its own.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self, how: Stop) {
        self.tell(match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        });
        self.wait_until("PostgreSQL did not stop", || !self.is_ready());
    }

    /// Starts it where it was stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&self) {
        self.tell("START");
        self.wait_until("PostgreSQL did not start again", || self.is_ready());
    }

    fn tell(&self, line: &str) {
        let mut supervisor = self.supervisor.stdin.as_ref().unwrap();
        writeln!(supervisor, "{line}").unwrap();
    }

    fn wait_until(&self, otherwise: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START_TIMEOUT, "{otherwise}: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start(commit: &str) -> Self {
        let bin = binaries();
        let folder = std::env::temp_dir().join(format!("chatkit-postgres-{}", Uuid::now_v7()));
        let made = as_postgres(Path::new("/bin/mkdir")).arg(&folder).status();
        assert!(
            made.unwrap().success(),
            "could not make {}",
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

    /// Runs SQL in a database, and returns its rows: columns by `|`, rows by line.
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

    /// Runs SQL in a transaction that stays open, with all that it locks.
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
        // Left open, or the transaction would end.
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

    /// What the server has logged so far.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// The process that all others of the cluster are children of.
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

/// A program run as a user that PostgreSQL accepts: it refuses to run as root.
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
