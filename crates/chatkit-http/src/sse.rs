//! Server-sent events (WHATWG HTML, section 9.2), as every dialect that streams sends them.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use poem::{Body, Response};

/// How often a stream that has nothing to say shows that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// A line that says nothing.
pub(crate) const COMMENT: &str = ": \n\n";

/// The end of a stream that can be gone on with, after so many milliseconds.
pub(crate) const RETRY: &str = "retry: 1000\n\n";

/// A stream of these texts. No cache stores it, and no proxy holds parts of it back.
pub(crate) fn response(texts: impl Stream<Item = String> + Send + 'static) -> Response {
    let body = texts.map(|text| Ok::<_, std::io::Error>(Bytes::from(text)));
    Response::builder()
        .content_type("text/event-stream")
        .header("Cache-Control", "no-cache, no-transform")
        .header("X-Accel-Buffering", "no")
        .body(Body::from_bytes_stream(body))
}
