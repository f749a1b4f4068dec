//! The listener.
//!
//! The accept loop is our own. The library's server notices a disconnected HTTP/1.1 client only
//! when it next writes, and waits for a request's headers without a limit.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use poem::{
    Addr, Endpoint, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

/// Longest time for the headers of a request, and longest idle time of a connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Time between two checks that an HTTP/2 connection is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Longest time in which a client may read nothing. A follower that stops reading is disconnected,
/// and can resume where it stopped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time for open connections to end after the listener has stopped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers connections until `stop` is cancelled, then lets open connections end.
pub async fn serve(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    stop: CancellationToken,
) {
    let endpoint = Arc::new(endpoint);
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        // Forgets connections that have ended.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, remote)) => {
                let service = service(&stream, remote.into(), endpoint.clone());
                let connection = answer(
                    stream,
                    service,
                    builder.clone(),
                    graceful.watcher(),
                    stop.clone(),
                );
                connections.spawn(connection);
            }
            Err(error) => {
                // Most likely there are no free file descriptors. Some may be free in a moment.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not accept a connection"
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let closed = tokio::time::timeout(CLOSE_TIMEOUT, graceful.shutdown());
    if closed.await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

/// Answers the requests of a connection, unless the client sends nothing.
async fn answer<S>(
    stream: TcpStream,
    service: S,
    builder: Builder<TokioExecutor>,
    watcher: Watcher,
    stop: CancellationToken,
) where
    S: Service<
            hyper::Request<Incoming>,
            Response = hyper::Response<BoxBody<Bytes, std::io::Error>>,
            Error = Infallible,
            Future: Send + 'static,
        > + Send
        + 'static,
{
    let started = tokio::time::timeout(HEADER_TIMEOUT, has_started(&stream));
    if !matches!(stop.run_until_cancelled(started).await, Some(Ok(true))) {
        return;
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = TokioIo::new(Box::pin(stream));
    let connection = builder.serve_connection(stream, service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(error, "a connection ended with an error");
    }
}

/// Waits until a client has sent enough to distinguish HTTP/1 from HTTP/2. Returns `false` if it
/// disconnects before. The library would wait for these bytes without a limit.
async fn has_started(stream: &TcpStream) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut start = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut start).await {
            Ok(0) | Err(_) => return false,
            Ok(read) if read == PREFACE.len() || start[..read] != PREFACE[..read] => return true,
            // Peeking again would return the same at once.
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn service<E: Endpoint<Output = Response> + 'static>(
    stream: &TcpStream,
    remote: Addr,
    endpoint: Arc<E>,
) -> impl Service<
    hyper::Request<Incoming>,
    Response = hyper::Response<BoxBody<Bytes, std::io::Error>>,
    Error = Infallible,
    Future: Send + 'static,
> + Send
+ 'static {
    // Responses are small and complete, so waiting for more data only adds latency.
    let _ = stream.set_nodelay(true);
    let local: Addr = stream.local_addr().map(Addr::from).unwrap_or_default();
    service_fn(move |request: hyper::Request<Incoming>| {
        let endpoint = endpoint.clone();
        let (local, remote) = (LocalAddr(local.clone()), RemoteAddr(remote.clone()));
        // Without the box, each open connection would hold the 17 KiB of this future, even while it
        // streams a body.
        Box::pin(async move {
            let request = (request, local, remote, Scheme::HTTP).into();
            Ok::<_, Infallible>(endpoint.get_response(request).await.into())
        })
    })
}
