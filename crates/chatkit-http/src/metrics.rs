//! `/metrics`: the server's metrics in the text format of Prometheus (version 0.0.4).

use std::{fmt, sync::Arc};

use poem::{Endpoint, Response, Route, endpoint::make_sync, get};

/// The source of the metrics, such as the process's recorder of the `metrics` crate.
#[derive(Clone)]
pub struct MetricsSource(Arc<dyn Fn() -> String + Send + Sync>);

impl MetricsSource {
    /// A source that renders all metrics as text.
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }

    /// The response with all metrics.
    pub(crate) fn response(&self) -> Response {
        Response::builder()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .header("Cache-Control", "no-store")
            .body((self.0)())
    }
}

impl fmt::Debug for MetricsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MetricsSource(…)")
    }
}

/// A router with `/metrics` only, for a separate listener.
#[must_use]
pub fn metrics_router(source: &MetricsSource) -> impl Endpoint<Output = Response> + 'static {
    let source = source.clone();
    Route::new().at("/metrics", get(make_sync(move |_| source.response())))
}
