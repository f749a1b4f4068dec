//! The server itself, until it is told to stop.

use std::{io::Write, time::Duration};

use chatkit_domain::{Clock, SystemClock, UserId};
use chatkit_server::{
    App,
    config::Settings,
    local::{self, LOCAL_USER},
    shutdown, telemetry, verifier_options,
};

/// How long the token that a local start prints is good.
const LOCAL_TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) async fn serve(settings: &Settings) -> anyhow::Result<()> {
    telemetry::init(settings)?;
    let app = App::start(settings).await?;
    if settings.secret()?.is_none() && local::is_local(settings) {
        invite(&app, settings)?;
    }
    shutdown::requested().await?;
    app.stop().await;
    Ok(())
}

/// Writes a first call that works. To standard error, never through the log, as it carries a
/// token. Nobody need be reading there.
fn invite(app: &App, settings: &Settings) -> anyhow::Result<()> {
    let user = UserId::parse(LOCAL_USER)?;
    let options = verifier_options(settings)?;
    let token = chatkit_http::issue_token(&options, &user, SystemClock.now(), LOCAL_TOKEN_TTL)?;
    let address = app.address();
    let answers = if settings.has_model() {
        format!("The model {} answers.", settings.openai_model)
    } else {
        "No model is configured: built-in rules answer.".to_owned()
    };
    let text = format!(
        "
chatkit listens on http://{address} (the API: http://{address}/docs)
{answers} Try:

  TOKEN={token}
  curl -s http://{address}/api/v1/chat -H \"Authorization: Bearer $TOKEN\" \\
    -H 'Content-Type: application/json' -d '{{\"message\": \"Add a task to buy groceries\"}}'

"
    );
    if let Err(error) = std::io::stderr().write_all(text.as_bytes()) {
        tracing::warn!(%error, "could not write the first call to standard error");
    }
    Ok(())
}
