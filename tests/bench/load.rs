//! Sending requests and counting what they take.
//!
//! The requests and what is read of the answers are bytes: a real client would take the CPU that
//! is measured away from the server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{database::Database, process, server::Server};

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
    elapsed: Duration,
    server_cpu: u64,
    database_cpu: Option<u64>,
    generator_cpu: u64,
    /// The server's, in MiB.
    pub(crate) peak_memory: f64,
}

/// CPU time at one moment, in microseconds.
struct Sample {
    at: Instant,
    server: u64,
    database: Option<u64>,
    generator: u64,
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
        connections.spawn(connection.repeat(request.clone(), expected, signals.clone()));
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
        elapsed: end.at - begin.at,
        server_cpu: end.server - begin.server,
        database_cpu: end
            .database
            .zip(begin.database)
            .map(|(end, begin)| end - begin),
        generator_cpu: end.generator - begin.generator,
        peak_memory,
    })
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
    fn take(server: &Server, database: &Database) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            server: process::cpu(server.process_id())?,
            database: database.cpu()?,
            generator: process::cpu(std::process::id())?,
        })
    }
}

impl Load {
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.latencies.len() - 1) * percent / 100;
        self.latencies[index].as_secs_f64() * 1_000.0
    }

    /// Microseconds of the server's CPU time for a request.
    pub(crate) fn server_cpu(&self) -> f64 {
        self.server_cpu as f64 / self.count()
    }

    /// The same of the database's, where it has processes of its own.
    pub(crate) fn database_cpu(&self) -> Option<f64> {
        self.database_cpu.map(|cpu| cpu as f64 / self.count())
    }

    /// The same of what sends the requests and plays the model.
    pub(crate) fn generator_cpu(&self) -> f64 {
        self.generator_cpu as f64 / self.count()
    }

    fn count(&self) -> f64 {
        self.latencies.len() as f64
    }
}

/// A connection that is kept.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// What has come of the next answer.
    received: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Of head and body.
    length: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request until the signal to end. Returns how long each took that ended while they
    /// were counted.
    async fn repeat(
        mut self,
        request: Vec<u8>,
        expected: StatusCode,
        signals: Arc<Signals>,
    ) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        while !signals.ends.load(Ordering::Relaxed) {
            let begun = Instant::now();
            self.stream.write_all(&request).await?;
            let head = self.receive().await?;
            if head.status != expected.as_u16() {
                let answer = String::from_utf8_lossy(&self.received[..head.length]);
                bail!("expected {expected}, got:\n{answer}");
            }
            self.received.drain(..head.length);
            if signals.counts.load(Ordering::Relaxed) {
                latencies.push(begun.elapsed());
            }
        }
        Ok(latencies)
    }

    /// Reads until an answer is whole.
    async fn receive(&mut self) -> Result<Head> {
        loop {
            if let Some(head) = parse_head(&self.received)?
                && self.received.len() >= head.length
            {
                return Ok(head);
            }
            let read = self.stream.read_buf(&mut self.received).await?;
            ensure!(read > 0, "the server closed a connection");
        }
    }
}

/// The head of what was received, once it is whole.
fn parse_head(received: &[u8]) -> Result<Option<Head>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status: {head}"))?;
    let body = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>())
    });
    let body = match (body, status) {
        (Some(length), _) => length?,
        (None, 204 | 304) => 0,
        (None, _) => bail!("an answer without a length: {head}"),
    };
    Ok(Some(Head {
        status,
        length: end + 4 + body,
    }))
}
