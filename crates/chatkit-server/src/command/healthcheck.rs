//! Asks a running server whether it is ready, for containers without curl.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn healthcheck(address: SocketAddr) -> anyhow::Result<()> {
    let answer = tokio::time::timeout(TIMEOUT, ask(address))
        .await
        .context("the server did not answer in time")??;
    let status = answer.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("not ready: {status}");
    }
    Ok(())
}

async fn ask(mut address: SocketAddr) -> anyhow::Result<String> {
    // A server that listens on every address is reachable on loopback.
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no server on {address}"))?;
    let request =
        format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
