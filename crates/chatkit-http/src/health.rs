//! `/health/live` and `/health/ready`.

use poem::{Response, Route, get, handler, http::StatusCode, web::Data};

use crate::state::ApiState;

pub(crate) fn routes() -> Route {
    Route::new().at("/live", get(live)).at("/ready", get(ready))
}

/// The process answers.
#[handler]
fn live() -> Response {
    status(StatusCode::OK, "live")
}

/// Traffic is welcome: the database answers, its schema is there, and the server is not stopping.
#[handler]
async fn ready(state: Data<&ApiState>) -> Response {
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
