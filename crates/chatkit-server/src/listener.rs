//! Opens listeners, and finds out whether other machines can reach them.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use url::{Host, Url};

use crate::config::{Origin, Settings};

/// Listens on the address that a setting names. Port 0 becomes a free port.
pub(crate) async fn bind(
    setting: &str,
    address: SocketAddr,
) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{setting}: could not listen on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Whether only programs on this machine are meant to reach the server: it listens on a loopback
/// address, and `PUBLIC_URL` names no proxy in front of it.
pub(crate) fn is_private(settings: &Settings, address: SocketAddr) -> bool {
    let is_local = |url: &Origin| match Url::parse(url.as_str()).ok().as_ref().map(Url::host) {
        Some(Some(Host::Domain(name))) => name == "localhost",
        Some(Some(Host::Ipv4(address))) => address.is_loopback(),
        Some(Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    };
    address.ip().is_loopback() && settings.public_url.as_ref().is_none_or(is_local)
}
