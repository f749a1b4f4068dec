//! Metrics of requests. Labels are names of operations and statuses only.

use std::time::Duration;

use metrics::{counter, histogram};
use poem::http::StatusCode;

/// Counts an answered request. `took` ends with the head of the response if the body is a stream.
pub(super) fn answered(
    operation: &'static str,
    status: StatusCode,
    took: Duration,
    model_time: Duration,
) {
    let status = status.as_str().to_owned();
    counter!("chatkit_http_requests_total", "operation" => operation, "status" => status)
        .increment(1);
    histogram!("chatkit_http_request_duration_seconds", "operation" => operation).record(took);
    let overhead = took.saturating_sub(model_time);
    histogram!("chatkit_http_request_overhead_seconds", "operation" => operation).record(overhead);
}
