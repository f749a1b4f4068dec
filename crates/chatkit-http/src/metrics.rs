//! `/metrics`: what the server counts, in the text format of Prometheus (version 0.0.4).

use std::{fmt, sync::Arc};

use poem::{Endpoint, Response, Route, endpoint::make_sync, get};

/// Where the numbers come from: what is installed as the process's recorder of `metrics`.
#[derive(Clone)]
pub struct MetricsSource(Arc<dyn Fn() -> String + Send + Sync>);

impl MetricsSource {
    /// A source that gives all numbers as text.
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }

    /// The operation that answers with them.
    pub(crate) fn endpoint(&self) -> impl Endpoint<Output = Response> + 'static {
        let render = self.0.clone();
        make_sync(move |_| {
            Response::builder()
                .content_type("text/plain; version=0.0.4; charset=utf-8")
                .header("Cache-Control", "no-store")
                .body(render())
        })
    }
}

impl fmt::Debug for MetricsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MetricsSource(…)")
    }
}

/// `/metrics` and nothing else, for a listener of its own.
#[must_use]
pub fn metrics_router(source: &MetricsSource) -> impl Endpoint<Output = Response> + 'static {
    Route::new().at("/metrics", get(source.endpoint()))
}
