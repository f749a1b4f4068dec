//! A connection to the server, in bytes.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// What has come of the next answer.
    pub(crate) received: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Of head and body.
    length: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(64 * 1024),
        })
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request).await?)
    }

    /// Waits for more.
    pub(crate) async fn read(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.received).await?;
        ensure!(read > 0, "the server closed a connection");
        Ok(())
    }

    /// Reads the head of an answer whose body has no end yet, which must have this status.
    pub(crate) async fn receive_head(&mut self, expected: StatusCode) -> Result<()> {
        let end = loop {
            match end_of_head(&self.received) {
                Some(end) => break end,
                None => self.read().await?,
            }
        };
        let head = std::str::from_utf8(&self.received[..end])?;
        ensure!(
            status_of(head)? == expected.as_u16(),
            "expected {expected}, got:\n{head}"
        );
        self.received.drain(..end);
        Ok(())
    }

    /// Reads a whole answer, which must have this status, and hands it to `look`.
    pub(crate) async fn receive<T>(
        &mut self,
        expected: StatusCode,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<T> {
        let head = loop {
            match parse_head(&self.received)? {
                Some(head) if self.received.len() >= head.length => break head,
                _ => self.read().await?,
            }
        };
        let answer = &self.received[..head.length];
        if head.status != expected.as_u16() {
            bail!(
                "expected {expected}, got:\n{}",
                String::from_utf8_lossy(answer)
            );
        }
        let seen = look(answer);
        self.received.drain(..head.length);
        Ok(seen)
    }
}

/// The head of what was received, once it is whole.
fn parse_head(received: &[u8]) -> Result<Option<Head>> {
    let Some(end) = end_of_head(received) else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let status = status_of(head)?;
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
        length: end + body,
    }))
}

/// Where the head ends and the body begins.
fn end_of_head(received: &[u8]) -> Option<usize> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n");
    end.map(|end| end + 4)
}

fn status_of(head: &str) -> Result<u16> {
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    status.with_context(|| format!("no status: {head}"))
}
