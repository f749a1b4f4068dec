//! The listener.
//!
//! Its own accept loop: the library's server does not notice that an HTTP/1.1 client has left
//! until it next writes to it, and waits without end for a request's headers.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
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

/// How long a request's headers may take; also how long a connection may idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 connection is asked whether it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long a client may take nothing of what is sent to it. Who follows a run and stops reading
/// is cut, and can go on where it was.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long open connections may take to end once the listener stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers connections until `stop` is cancelled, then lets those that are open end.
pub async fn serve(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    stop: CancellationToken,
) {
    let endpoint = Arc::new(endpoint);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        // Connections that have ended.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, remote)) => {
                let service = service(&stream, remote.into(), endpoint.clone());
                let (builder, watcher) = (builder.clone(), graceful.watcher());
                let stop = stop.clone();
                connections.spawn(async move {
                    let speaks = tokio::time::timeout(HEADER_TIMEOUT, has_spoken(&stream));
                    if !matches!(stop.run_until_cancelled(speaks).await, Some(Ok(true))) {
                        return;
                    }
                    let mut stream = TimeoutStream::new(stream);
                    stream.set_write_timeout(Some(WRITE_TIMEOUT));
                    let stream = TokioIo::new(Box::pin(stream));
                    let connection = builder.serve_connection(stream, service);
                    if let Err(error) = watcher.watch(connection.into_owned()).await {
                        tracing::debug!(error, "a connection broke");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: a moment later some may be free.
                tracing::warn!(error = &error as &dyn std::error::Error, "could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(CLOSE_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
}

/// Waits until a client has sent enough to tell HTTP/1 from HTTP/2; `false` when it leaves before.
/// The library reads that much without end.
async fn has_spoken(stream: &TcpStream) -> bool {
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
    // Answers are small and complete: waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let local: Addr = stream.local_addr().map(Addr::from).unwrap_or_default();
    service_fn(move |request: hyper::Request<Incoming>| {
        let endpoint = endpoint.clone();
        let (local, remote) = (LocalAddr(local.clone()), RemoteAddr(remote.clone()));
        // A connection keeps the place of its request's future, 17 KiB, for as long as it is open,
        // also while a body is streamed.
        Box::pin(async move {
            let request = (request, local, remote, Scheme::HTTP).into();
            Ok::<_, Infallible>(endpoint.get_response(request).await.into())
        })
    })
}
