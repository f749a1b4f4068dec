//! Notes that handlers make about the request that they answer: for its log entry, and for the
//! metrics.

use std::{cell::Cell, time::Duration};

use chatkit_domain::{ConversationId, RunId, UserId};
use tracing::{Span, field};

tokio::task_local! {
    /// How long the current request has waited for the model.
    static MODEL_TIME: Cell<Duration>;
}

/// Notes the caller in the request's span.
pub(crate) fn user(id: &UserId) {
    Span::current().record("user_id", id.as_str());
}

/// Notes the conversation in the request's span.
pub(crate) fn conversation(id: ConversationId) {
    Span::current().record("conversation_id", field::display(id));
}

/// Notes the run in the request's span.
pub(crate) fn run(id: RunId) {
    Span::current().record("run_id", field::display(id));
}

/// Adds to the time that the current request has waited for the model.
pub(crate) fn model_time(took: Duration) {
    // Outside of a request there is nothing to add to.
    let _ = MODEL_TIME.try_with(|time| time.set(time.get() + took));
}

/// The outcome of a request, with the time that it waited for the model.
pub(super) struct Timing<T> {
    pub(super) result: T,
    pub(super) model_time: Duration,
}

/// Answers a request and measures how long it waits for the model.
pub(super) async fn timed<T>(answer: impl Future<Output = T>) -> Timing<T> {
    let scope = async {
        let result = answer.await;
        let model_time = MODEL_TIME.with(Cell::get);
        Timing { result, model_time }
    };
    MODEL_TIME.scope(Cell::new(Duration::ZERO), scope).await
}
