//! Runs the server until a signal to stop.

use std::io::Write;

use chatkit_domain::{Clock, SystemClock, UserId};
use chatkit_server::{
    App,
    config::{LogArgs, Settings},
    local::{self, LOCAL_USER},
    recorder::Recorder,
    shutdown, telemetry, verifier_options,
};

pub(super) async fn serve(settings: Settings, log: &LogArgs) -> anyhow::Result<()> {
    telemetry::init(log)?;
    telemetry::report_panics();
    let recorder = Recorder::install()?;
    let shown = recorder.clone();
    let app = App::builder(settings.clone())
        .metrics(move || shown.render())
        .start()
        .await?;
    if local::is_local(&settings) {
        invite(&app, &settings)?;
    }
    tokio::select! {
        result = shutdown::requested() => result?,
        () = recorder.keep_up() => {}
    }
    app.stop().await;
    Ok(())
}

/// Writes a sign-in link and an example call to standard error. The link contains a token, so it
/// never goes through the log. Failing to write is not an error.
fn invite(app: &App, settings: &Settings) -> anyhow::Result<()> {
    let user = UserId::parse(LOCAL_USER)?;
    let options = verifier_options(settings)?;
    let token = chatkit_http::issue_sign_in_token(&options, &user, SystemClock.now())?;
    let address = app.address();
    let public_url = settings.public_url.as_ref();
    let page = public_url.map_or_else(
        || format!("http://{address}"),
        |url| url.as_str().to_owned(),
    );
    let program = std::env::args().next().unwrap_or_default();
    let answers = if settings.has_model() {
        format!("The model {} answers.", settings.openai_model)
    } else {
        "No model is configured: built-in rules answer.".to_owned()
    };
    let text = format!(
        "
chatkit listens on http://{address}. {answers}

  Sign in with a browser, within ten minutes:
    {page}/#token={token}

  Or call it:
    TOKEN=$({program} token --user {LOCAL_USER})
    curl -s http://{address}/api/v1/chat -H \"Authorization: Bearer $TOKEN\" \\
      -H 'Content-Type: application/json' -d '{{\"message\": \"Add a task to buy groceries\"}}'

"
    );
    if let Err(error) = std::io::stderr().write_all(text.as_bytes()) {
        tracing::warn!(%error, "could not write the sign-in link to standard error");
    }
    Ok(())
}
