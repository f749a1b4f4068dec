//! An axum application with chatkit as a part of it, under `/assistant`.
#![expect(clippy::print_stdout, reason = "the application says where it listens")]

mod library;

use std::{collections::HashMap, env, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use chatkit_server::{App, Settings, ToolRegistry, shutdown};

use library::{ApiKeys, FindBook, Librarian, OpeningHours};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::new()
        .with_base_path("/assistant")
        .with_database_url("sqlite://assistant.db?mode=rwc".parse()?);
    let mut tools = ToolRegistry::default();
    tools.register(FindBook)?;
    let keys = HashMap::from([("alices-key", "alice"), ("bobs-key", "bob")]);
    let assistant = App::builder(settings)
        .authenticator(Arc::new(ApiKeys(keys)))
        .provider("librarian", Arc::new(Librarian))
        .tools(tools)
        .responder(Arc::new(OpeningHours))
        .build()
        .await?;
    let app = Router::new()
        .route("/", get(|| async { "The library" }))
        .nest_service("/assistant", assistant.service());

    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stopping = assistant.clone();
    let stop = async move {
        shutdown::requested().await.ok();
        // Active answers end first, because their streams keep connections open.
        stopping.shutdown(Duration::from_secs(25)).await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    assistant.close().await;
    Ok(())
}
