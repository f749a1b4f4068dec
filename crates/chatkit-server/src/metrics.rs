//! What the process counts: its recorder, and where the numbers are read.

use std::{sync::OnceLock, time::Duration};

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use chatkit_domain::Repositories;
use chatkit_http::MetricsSource;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The upper bounds of durations, in seconds: from an answer out of memory to a long run.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0,
];

/// How often what was counted is put together, so that it does not pile up when nobody reads it.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of the process: there can be only one, whatever number of servers it runs.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder, and gives the numbers of this process with those of this database.
///
/// # Errors
/// When the recorder cannot be built.
pub(crate) fn source(repositories: &Repositories) -> anyhow::Result<MetricsSource> {
    let recorder = recorder()?;
    let maintenance = repositories.maintenance.clone();
    Ok(MetricsSource::new(move || {
        let connections = maintenance.connections();
        for (state, count) in [
            ("idle", connections.idle),
            ("busy", connections.busy),
            ("max", connections.max),
        ] {
            gauge!("chatkit_database_connections", "state" => state).set(f64::from(count));
        }
        recorder.render()
    }))
}

/// Puts together what was counted, for ever.
pub(crate) async fn keep_up() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        if let Some(recorder) = RECORDER.get() {
            recorder.run_upkeep();
        }
    }
}

fn recorder() -> anyhow::Result<&'static PrometheusHandle> {
    if let Some(recorder) = RECORDER.get() {
        return Ok(recorder);
    }
    let built = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .build_recorder();
    let handle = built.handle();
    Ok(RECORDER.get_or_init(|| {
        match ::metrics::set_global_recorder(built) {
            Ok(()) => describe(),
            Err(_) => tracing::warn!("/metrics stays empty: another recorder is installed"),
        }
        handle
    }))
}

fn describe() {
    describe_counter!(
        "chatkit_http_requests_total",
        "Requests, by operation and status"
    );
    describe_histogram!(
        "chatkit_http_request_duration_seconds",
        Unit::Seconds,
        "From a request's head to its answer's"
    );
    describe_histogram!(
        "chatkit_http_request_overhead_seconds",
        Unit::Seconds,
        "The same without the time that the model took"
    );
    describe_counter!("chatkit_runs_total", "Runs, by how they ended");
    describe_gauge!("chatkit_runs_active", "Runs that this process answers now");
    describe_counter!("chatkit_tokens_total", "Tokens to and from the model");
    describe_counter!(
        "chatkit_model_calls_total",
        "Requests to the model, by outcome"
    );
    describe_histogram!(
        "chatkit_model_call_duration_seconds",
        Unit::Seconds,
        "From the request to the model to the end of its answer"
    );
    describe_counter!(
        "chatkit_tool_calls_total",
        "Tool calls, by tool and outcome"
    );
    describe_histogram!(
        "chatkit_tool_call_duration_seconds",
        Unit::Seconds,
        "How long tools took"
    );
    describe_gauge!(
        "chatkit_database_connections",
        "Connections to the database"
    );
}
