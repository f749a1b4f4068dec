//! Server-sent events (WHATWG HTML, section 9.2), for every dialect that streams.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use poem::{Body, Response};

/// Longest silence of a stream. Then a comment is sent, so that proxies keep the connection open.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// A comment, which clients ignore.
pub(crate) const COMMENT: &str = ": \n\n";

/// The end of a stream that the client can resume, after this number of milliseconds.
pub(crate) const RETRY: &str = "retry: 1000\n\n";

/// A stream of these texts. No cache stores it, and no proxy buffers it.
pub(crate) fn response(texts: impl Stream<Item = String> + Send + 'static) -> Response {
    let body = texts.map(|text| Ok::<_, std::io::Error>(Bytes::from(text)));
    Response::builder()
        .content_type("text/event-stream")
        .header("Cache-Control", "no-cache, no-transform")
        .header("X-Accel-Buffering", "no")
        .body(Body::from_bytes_stream(body))
}
