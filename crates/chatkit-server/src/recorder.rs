//! The recorder of the process's metrics, which `/metrics` shows.

use std::{sync::OnceLock, time::Duration};

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The upper bounds of durations, in seconds: from a response without I/O to a long run.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0,
];

/// How often recorded values are aggregated, so that they do not accumulate while no client reads
/// them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of the process. There can be only one, even with several servers.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// The recorder of the process's metrics. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Returns the recorder of the process, and installs it on the first call.
    ///
    /// # Errors
    /// When the recorder cannot be built.
    pub fn install() -> anyhow::Result<Self> {
        if let Some(recorder) = RECORDER.get() {
            return Ok(recorder.clone());
        }
        let built = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)?
            .build_recorder();
        let handle = built.handle();
        let recorder = RECORDER.get_or_init(|| {
            match ::metrics::set_global_recorder(built) {
                Ok(()) => describe(),
                Err(_) => tracing::warn!("/metrics stays empty: another recorder is installed"),
            }
            Self(handle)
        });
        Ok(recorder.clone())
    }

    /// Renders the metrics in the format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Aggregates recorded values every five seconds. Never returns.
    pub async fn keep_up(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    describe_counter!(
        "chatkit_http_requests_total",
        "Requests, by operation and status"
    );
    describe_histogram!(
        "chatkit_http_request_duration_seconds",
        Unit::Seconds,
        "Time from the head of a request to the head of its response"
    );
    describe_histogram!(
        "chatkit_http_request_overhead_seconds",
        Unit::Seconds,
        "Request duration without the time spent waiting for the model"
    );
    describe_counter!("chatkit_runs_total", "Runs, by outcome");
    describe_gauge!("chatkit_runs_active", "Active runs of this process");
    describe_counter!("chatkit_tokens_total", "Tokens to and from the model");
    describe_counter!(
        "chatkit_model_calls_total",
        "Requests to the model, by outcome"
    );
    describe_histogram!(
        "chatkit_model_call_duration_seconds",
        Unit::Seconds,
        "Time from the request to the model to the end of its answer"
    );
    describe_counter!(
        "chatkit_tool_calls_total",
        "Tool calls, by tool and outcome"
    );
    describe_histogram!(
        "chatkit_tool_call_duration_seconds",
        Unit::Seconds,
        "Duration of tool calls"
    );
    describe_gauge!(
        "chatkit_database_connections",
        "Connections to the database"
    );
}
