//! The text of `/metrics`.

use std::fmt;

use ::metrics::gauge;
use chatkit_domain::Repositories;
use chatkit_http::MetricsSource;

/// Renders the metrics of the process, in the format of Prometheus.
pub(crate) struct Metrics(Box<dyn Fn() -> String + Send + Sync>);

impl Metrics {
    pub(crate) fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Box::new(render))
    }

    /// Adds the connections to the database to the metrics.
    pub(crate) fn source(self, repositories: &Repositories) -> MetricsSource {
        let maintenance = repositories.maintenance.clone();
        MetricsSource::new(move || {
            let connections = maintenance.connections();
            for (state, count) in [
                ("idle", connections.idle),
                ("busy", connections.busy),
                ("max", connections.max),
            ] {
                gauge!("chatkit_database_connections", "state" => state).set(f64::from(count));
            }
            self.0()
        })
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics(…)")
    }
}
