//! The released server, started as its operators start it.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chatkit_tests::{model::FakeModel, token};
use tempfile::TempDir;

use crate::{Arguments, database::Database};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server, which ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    _folder: TempDir,
}

impl Server {
    /// Starts the server with its default settings and waits until it is ready. Its log goes to a
    /// file.
    pub(crate) async fn start(
        binary: &Path,
        database: &Database,
        model: &FakeModel,
        arguments: &Arguments,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = match &arguments.keep_log {
            Some(kept) => kept.join(format!("{:?}.log", database.kind)),
            None => folder.path().join("server.log"),
        };
        let log = File::create(&path)
            .with_context(|| format!("cannot write the log to {}", path.display()))?;
        let child = Command::new(binary)
            // Neither the caller's variables nor a `.env` file change what is measured.
            .env_clear()
            .current_dir(folder.path())
            .arg(format!("--listen-addr={address}"))
            .arg(format!("--database-url={}", database.inner.url()))
            .arg(format!("--better-auth-secret={}", token::SECRET))
            .args(model.flags())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self {
            child,
            address,
            log: path,
            _folder: folder,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let ready = format!("{}/health/ready", self.url());
        loop {
            let answer = reqwest::get(&ready).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || begun.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the server did not start: {log}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
