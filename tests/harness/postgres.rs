//! A PostgreSQL cluster of the test process's own.
//!
//! It is started at first use and goes, with its files, when the process ends, however it ends:
//! its supervisor reads from a pipe that this process holds open.

use std::{
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

/// Runs the server until its standard input ends, then removes it.
const SUPERVISOR: &str = r#"
"$BIN/postgres" -D "$DIR/data" -p "$PORT" -k "$DIR" -c listen_addresses=127.0.0.1 \
  -c fsync=off -c synchronous_commit=off -c max_connections=200 >"$DIR/log" 2>&1 &
cat >/dev/null
kill -QUIT $!
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
    _supervisor: Child,
}

impl Cluster {
    /// The cluster of this process.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    fn start() -> Self {
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
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let cluster = Self {
            bin,
            port,
            folder,
            _supervisor: supervisor,
        };
        let begun = Instant::now();
        while !cluster.is_ready() {
            assert!(begun.elapsed() < START_TIMEOUT, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
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
