//! `/health/live` and `/health/ready`.

use poem::{Response, http::StatusCode};

use crate::state::ApiState;

/// Always succeeds: the process answers.
pub(crate) fn live() -> Response {
    status(StatusCode::OK, "live")
}

/// Succeeds if the database answers, its schema is current, and the server is not stopping.
pub(crate) async fn ready(state: ApiState) -> Response {
    if state.is_draining() {
        return status(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    match state.repositories().maintenance.check().await {
        Ok(()) => status(StatusCode::OK, "ready"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            status(StatusCode::SERVICE_UNAVAILABLE, "database")
        }
    }
}

fn status(code: StatusCode, status: &str) -> Response {
    Response::builder()
        .status(code)
        .content_type("application/json")
        .header("Cache-Control", "no-store")
        .body(format!("{{\"status\":\"{status}\"}}"))
}
