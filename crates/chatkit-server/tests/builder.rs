//! Servers that are assembled from the parts of an application.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{path::Path, sync::Arc};

use chatkit_server::{
    App, AppBuilder, AuthFailure, Authenticator, Caller, Provider, Settings, Stores, UserId,
    agent::provider::{FinishReason, ModelEvent, ModelRequest, ModelStream, ProviderError},
    domain::memory::MemoryStore,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Every request is Alice's.
#[derive(Debug)]
struct Alice;

#[async_trait::async_trait]
impl Authenticator for Alice {
    async fn caller(&self, _: &http::request::Parts) -> Result<Caller, AuthFailure> {
        Ok(Caller::new(UserId::parse("alice").unwrap()))
    }
}

/// Answers with the name of the model.
#[derive(Debug)]
struct NameOfModel;

#[async_trait::async_trait]
impl Provider for NameOfModel {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let answer = ModelEvent::TextDelta(request.model);
        let events = [answer, ModelEvent::Finished(FinishReason::Stop)];
        Ok(stream::iter(events.map(Ok)).boxed())
    }
}

/// A database in this folder, and a free port.
fn settings(folder: &Path) -> Settings {
    let url = format!("sqlite://{}/chat.db?mode=rwc", folder.display());
    let mut settings = Settings::new().with_database_url(url.parse().unwrap());
    settings.listen_addr = "127.0.0.1:0".parse().unwrap();
    settings
}

async fn get(app: &App, path: &str) -> reqwest::Response {
    let url = format!("http://{}{path}", app.address());
    reqwest::get(url).await.unwrap()
}

async fn ask(app: &App, body: Value) -> Value {
    let url = format!("http://{}/api/v1/chat", app.address());
    let request = reqwest::Client::new().post(url).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

async fn reason(builder: AppBuilder) -> String {
    format!("{:#}", builder.start().await.unwrap_err())
}

#[tokio::test]
async fn an_own_provider_answers_with_the_models_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path()).with_model("one");
    settings.allowed_models = vec!["two".to_owned(), "one".to_owned()];
    let app = App::builder(settings)
        .authenticator(Arc::new(Alice))
        .provider("names", Arc::new(NameOfModel))
        .start()
        .await
        .unwrap();
    let info: Value = get(&app, "/api/info").await.json().await.unwrap();
    assert_eq!(info["provider"], "names");
    assert_eq!(info["model"], "one");
    let models: Value = get(&app, "/v1/models").await.json().await.unwrap();
    let models = models["data"].as_array().unwrap().iter();
    let models: Vec<_> = models.map(|model| &model["id"]).collect();
    assert_eq!(models, ["one", "two"]);
    let answer = ask(&app, json!({"message": "Which?"})).await;
    assert!(answer.to_string().contains("one"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn own_stores_replace_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let app = App::builder(settings(folder.path()))
        .authenticator(Arc::new(Alice))
        .stores(Stores::new(store.repositories(), store.tasks()))
        .start()
        .await
        .unwrap();
    let answer = ask(&app, json!({"message": "Add a task to buy milk"})).await;
    assert_eq!(answer["metadata"]["tool_called"], "add_task", "{answer}");
    app.stop().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn pages_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || App::builder(settings(folder.path())).authenticator(Arc::new(Alice));
    let app = builder().start().await.unwrap();
    assert_eq!(get(&app, "/widget.js").await.status(), 200);
    app.stop().await;
    let app = builder().without_pages().start().await.unwrap();
    assert_eq!(get(&app, "/widget.js").await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn a_part_of_an_application_makes_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let built = App::builder(settings(folder.path())).build().await;
    let reason = built.unwrap_err().to_string();
    assert!(reason.contains("authenticator"), "{reason}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_of_an_application_that_reads_cookies_knows_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let settings = settings(folder.path()).with_secret(secret);
    let built = App::builder(settings.clone()).build().await;
    let reason = built.unwrap_err().to_string();
    assert!(reason.contains("public_url"), "{reason}");
    let settings = settings.with_public_url("https://example.com".parse().unwrap());
    App::builder(settings).build().await.unwrap().close().await;
}

#[tokio::test]
async fn a_base_path_of_the_server_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path()).with_base_path("/chatkit");
    let reason = reason(App::builder(settings).authenticator(Arc::new(Alice))).await;
    assert!(reason.contains("base_path must not start"), "{reason}");
}

#[tokio::test]
async fn an_own_provider_names_the_model_unless_the_settings_do() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::builder(settings(folder.path()))
        .authenticator(Arc::new(Alice))
        .provider("names", Arc::new(NameOfModel))
        .start()
        .await
        .unwrap();
    let info: Value = get(&app, "/api/info").await.json().await.unwrap();
    assert_eq!(info["model"], "names");
    app.stop().await;
}

#[tokio::test]
async fn a_listener_for_metrics_needs_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.metrics_addr = Some("127.0.0.1:0".parse().unwrap());
    let reason = reason(App::builder(settings).authenticator(Arc::new(Alice))).await;
    assert!(reason.contains("METRICS_ADDR"), "{reason}");
}
