//! The log entry of a request: its id, its span, its outcome. It never contains a token or the text
//! of a message.

use std::time::{Duration, Instant};

use poem::{
    Request, Response,
    http::{HeaderValue, StatusCode},
};
use tracing::{Span, field};
use uuid::Uuid;

const REQUEST_ID: &str = "x-request-id";

/// Longest request id that is accepted from the caller.
const MAX_ID_LENGTH: usize = 128;

/// The trace of a request, from its first byte to its response.
#[derive(Debug)]
pub(super) struct RequestTrace {
    span: Span,
    request_id: String,
    started_at: Instant,
}

impl RequestTrace {
    pub(super) fn start(request: &Request) -> Self {
        let request_id = request
            .header(REQUEST_ID)
            .filter(|id| is_sane(id))
            .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        let span = tracing::info_span!(
            "request",
            method = %request.method(),
            path = request.uri().path(),
            request_id,
            trace_id = field::Empty,
            user_id = field::Empty,
            conversation_id = field::Empty,
            run_id = field::Empty,
        );
        if let Some(trace_id) = request.header("traceparent").and_then(trace_id) {
            span.record("trace_id", trace_id);
        }
        Self {
            span,
            request_id,
            started_at: Instant::now(),
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started_at.elapsed()
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Adds the request's id to the response and logs the outcome.
    pub(super) fn end(self, response: &mut Response) {
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let _in_span = self.span.enter();
        let status = response.status().as_u16();
        let duration_ms = self.started_at.elapsed().as_secs_f64() * 1_000.0;
        if response.status() == StatusCode::NOT_MODIFIED {
            // Every open page polls every two seconds.
            tracing::debug!(status, duration_ms, "answered");
        } else {
            tracing::info!(status, duration_ms, "answered");
        }
    }
}

/// Whether a caller's own id is safe in logs and headers.
fn is_sane(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    !id.is_empty() && id.len() <= MAX_ID_LENGTH && id.bytes().all(is_plain)
}

/// The trace id of a `traceparent` header (W3C Trace Context, section 3.2).
fn trace_id(header: &str) -> Option<&str> {
    let mut parts = header.split('-');
    let (version, trace_id) = (parts.next()?, parts.next()?);
    let is_hex = |part: &str| {
        part.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_valid = version.len() == 2
        && trace_id.len() == 32
        && is_hex(version)
        && is_hex(trace_id)
        && trace_id.bytes().any(|byte| byte != b'0');
    is_valid.then_some(trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_request_ids_are_accepted() {
        assert!(is_sane("abc-123_x.y:z"));
        for id in ["", "a b", "a\"b", "é", &"a".repeat(129)] {
            assert!(!is_sane(id), "{id}");
        }
    }

    #[test]
    fn a_traceparent_names_its_trace() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for header in [
            "",
            "00",
            "00-xyz-1-01",
            "00-00000000000000000000000000000000-1-01",
        ] {
            assert_eq!(trace_id(header), None, "{header}");
        }
    }
}
