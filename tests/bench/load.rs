//! Sending requests and counting what they take.
//!
//! The requests and what is read of the answers are bytes: a real client would take the CPU that
//! is measured away from the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use reqwest::StatusCode;
use tokio::task::JoinSet;

use crate::{connection::Connection, database::Database, process, server::Server};

/// How long a workload runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// Behind it.
    pub(crate) measured: Duration,
}

/// What a workload took.
#[derive(Debug)]
pub(crate) struct Load {
    /// Of every request, the shortest first.
    latencies: Vec<Duration>,
    used: Used,
    /// The server's, in MiB.
    pub(crate) peak_memory: f64,
}

/// CPU time at one moment, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    at: Instant,
    server: u64,
    database: Option<u64>,
    generator: u64,
}

/// What was used between two moments: CPU time in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) elapsed: Duration,
    pub(crate) server: u64,
    /// Where the database has processes of its own.
    pub(crate) database: Option<u64>,
    /// By what sends the requests and plays the model.
    pub(crate) generator: u64,
}

/// What the connections are told.
#[derive(Debug, Default)]
struct Signals {
    counts: AtomicBool,
    ends: AtomicBool,
}

/// Repeats each request on a connection of its own.
pub(crate) async fn run(
    server: &Server,
    database: &Database,
    requests: &[Vec<u8>],
    bounds: Bounds,
    expected: StatusCode,
) -> Result<Load> {
    let signals = Arc::new(Signals::default());
    let mut connections = JoinSet::new();
    for request in requests {
        let connection = Connection::open(server.address()).await?;
        let request = request.clone();
        connections.spawn(repeat(connection, request, expected, signals.clone()));
    }
    sleep_unless_broken(bounds.warm_up, &mut connections).await?;
    process::forget_peak(server.process_id())?;
    let begin = Sample::take(server, database)?;
    signals.counts.store(true, Ordering::Relaxed);
    sleep_unless_broken(bounds.measured, &mut connections).await?;
    signals.counts.store(false, Ordering::Relaxed);
    let end = Sample::take(server, database)?;
    let peak_memory = process::memory(server.process_id())?.peak;
    signals.ends.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    while let Some(ended) = connections.join_next().await {
        latencies.extend(ended??);
    }
    ensure!(!latencies.is_empty(), "no request was answered in time");
    latencies.sort_unstable();
    Ok(Load {
        latencies,
        used: end.since(&begin),
        peak_memory,
    })
}

/// Sends a request until the signal to end. Returns how long each took that ended while they were
/// counted.
async fn repeat(
    mut connection: Connection,
    request: Vec<u8>,
    expected: StatusCode,
    signals: Arc<Signals>,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while !signals.ends.load(Ordering::Relaxed) {
        let begun = Instant::now();
        connection.send(&request).await?;
        connection.receive(expected, |_| ()).await?;
        if signals.counts.load(Ordering::Relaxed) {
            latencies.push(begun.elapsed());
        }
    }
    Ok(latencies)
}

/// Waits, but not behind a connection that failed.
async fn sleep_unless_broken(
    duration: Duration,
    connections: &mut JoinSet<Result<Vec<Duration>>>,
) -> Result<()> {
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        Some(ended) = connections.join_next() => {
            ended??;
            bail!("a connection ended too early")
        }
    }
}

impl Sample {
    pub(crate) fn take(server: &Server, database: &Database) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            server: process::cpu(server.process_id())?,
            database: database.cpu()?,
            generator: process::cpu(std::process::id())?,
        })
    }

    pub(crate) fn since(&self, begin: &Self) -> Used {
        let database = self.database.zip(begin.database);
        Used {
            elapsed: self.at - begin.at,
            server: self.server - begin.server,
            database: database.map(|(end, begin)| end - begin),
            generator: self.generator - begin.generator,
        }
    }
}

impl Load {
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.count() / self.used.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.latencies.len() - 1) * percent / 100;
        self.latencies[index].as_secs_f64() * 1_000.0
    }

    /// Microseconds of the server's CPU time for a request.
    pub(crate) fn server_cpu(&self) -> f64 {
        self.used.server as f64 / self.count()
    }

    /// The same of the database's, where it has processes of its own.
    pub(crate) fn database_cpu(&self) -> Option<f64> {
        self.used.database.map(|cpu| cpu as f64 / self.count())
    }

    /// The same of what sends the requests and plays the model.
    pub(crate) fn generator_cpu(&self) -> f64 {
        self.used.generator as f64 / self.count()
    }

    fn count(&self) -> f64 {
        self.latencies.len() as f64
    }
}
