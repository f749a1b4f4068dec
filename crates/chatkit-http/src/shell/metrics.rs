//! What an operator may count of requests. Labels are names of operations and statuses only.

use std::{cell::Cell, time::Duration};

use metrics::{counter, histogram};
use poem::http::StatusCode;

tokio::task_local! {
    /// How long the request that is answered waited for the model.
    static MODEL_TIME: Cell<Duration>;
}

/// What a request did.
pub(super) struct Timing<T> {
    pub(super) result: T,
    /// How much of it was waiting for the model.
    pub(super) model_time: Duration,
}

/// Answers a request, and notes how long it waits for the model.
pub(super) async fn timed<T>(answer: impl Future<Output = T>) -> Timing<T> {
    let scope = async {
        let result = answer.await;
        let model_time = MODEL_TIME.with(Cell::get);
        Timing { result, model_time }
    };
    MODEL_TIME.scope(Cell::new(Duration::ZERO), scope).await
}

/// Notes in the request that is being answered that it waited for the model.
pub(crate) fn note_model_time(took: Duration) {
    // Outside of a request there is nobody to note it for.
    let _ = MODEL_TIME.try_with(|time| time.set(time.get() + took));
}

/// A request was answered: up to the head of the answer, where that is a stream.
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
