//! A started server.

use std::sync::Arc;

use chatkit_server::{
    App, AppBuilder, Responder, ToolRegistry,
    agent::AgentResponder,
    config::{Cli, Settings},
    recorder::Recorder,
};
use clap::Parser;

use crate::{
    Backend, Client, TestDatabase,
    log::{self, CheckedAtEnd},
    model::FakeModel,
    token,
};

/// The parts that an embedding service brings.
#[derive(Clone, Debug)]
pub struct Extensions {
    /// Tools besides the built-in ones.
    pub tools: ToolRegistry,
    /// The responder that is asked first.
    pub responder: Arc<dyn Responder>,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            tools: ToolRegistry::default(),
            responder: Arc::new(AgentResponder),
        }
    }
}

impl Extensions {
    fn builder(&self, settings: &Settings) -> AppBuilder {
        let recorder = Recorder::install().unwrap();
        App::builder(settings.clone())
            .tools(self.tools.clone())
            .responder(self.responder.clone())
            .metrics(move || recorder.render())
    }
}

/// A server that listens on a free port, with its own database.
#[derive(Debug)]
pub struct TestServer {
    app: App,
    database: TestDatabase,
    flags: Vec<String>,
    extensions: Extensions,
    _log: CheckedAtEnd,
}

impl TestServer {
    /// Starts a server on a new database.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts a server on a new database, with these flags.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start_with(backend: Backend, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::over(TestDatabase::fresh(backend).await, flags).await
    }

    /// Starts a server on a new database that uses this model, with these flags.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start_asking(backend: Backend, model: &FakeModel, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let flags = model.flags().into_iter().chain(flags).collect();
        Self::over(TestDatabase::fresh(backend).await, flags).await
    }

    /// Starts a server like [`start_asking`](Self::start_asking), with parts of an embedding
    /// service.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start_extended(
        backend: Backend,
        model: &FakeModel,
        flags: &[&str],
        extensions: Extensions,
    ) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let flags: Vec<String> = model.flags().into_iter().chain(flags).collect();
        let database = TestDatabase::fresh(backend).await;
        let settings = settings(database.url(), &flags);
        Self::run(database, &settings, flags, extensions).await
    }

    /// Starts a server without a configured secret on a new database, with these flags.
    ///
    /// # Panics
    /// When the server does not start.
    pub async fn start_without_secret(backend: Backend, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let database = TestDatabase::fresh(backend).await;
        let settings = parse(database.url(), &flags);
        Self::run(database, &settings, flags, Extensions::default()).await
    }

    async fn over(database: TestDatabase, flags: Vec<String>) -> Self {
        let settings = settings(database.url(), &flags);
        Self::run(database, &settings, flags, Extensions::default()).await
    }

    async fn run(
        database: TestDatabase,
        settings: &Settings,
        flags: Vec<String>,
        extensions: Extensions,
    ) -> Self {
        log::watch();
        let app = extensions.builder(settings).start().await.unwrap();
        Self {
            app,
            database,
            flags,
            extensions,
            _log: CheckedAtEnd,
        }
    }

    /// Stops the server, and starts another on the same database.
    ///
    /// # Panics
    /// When the other server does not start.
    pub async fn restart(self) -> Self {
        self.pause().await.start().await
    }

    /// Stops the server. Another can then be started on the same database.
    pub async fn pause(self) -> Stopped {
        self.app.stop().await;
        Stopped {
            database: self.database,
            flags: self.flags,
            extensions: self.extensions,
        }
    }

    /// Starts another server on the same database.
    ///
    /// # Panics
    /// When the other server does not start.
    pub async fn replica(&self) -> Replica {
        let settings = settings(self.database.url(), &self.flags);
        let app = self.extensions.builder(&settings).start().await.unwrap();
        Replica { app }
    }

    /// Stops the server gracefully.
    pub async fn stop(self) {
        self.app.stop().await;
    }

    /// A client that is signed in as this user.
    #[must_use]
    pub fn client(&self, user: &str) -> Client {
        self.client_with(Some(&token::of(user)))
    }

    /// A client with this token, or with none.
    #[must_use]
    pub fn client_with(&self, token: Option<&str>) -> Client {
        Client::new(self.url(), token)
    }

    /// The URL of the server, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.app.address())
    }

    /// The URL of the listener of `/metrics`, if it is a separate one.
    #[must_use]
    pub fn metrics_url(&self) -> Option<String> {
        let address = self.app.metrics_address()?;
        Some(format!("http://{address}"))
    }

    /// The database of the server.
    #[must_use]
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }
}

/// A stopped server, with its database.
#[derive(Debug)]
pub struct Stopped {
    database: TestDatabase,
    flags: Vec<String>,
    extensions: Extensions,
}

impl Stopped {
    /// Starts another server in place of this one.
    ///
    /// # Panics
    /// When the other server does not start.
    pub async fn start(self) -> TestServer {
        let settings = settings(self.database.url(), &self.flags);
        TestServer::run(self.database, &settings, self.flags, self.extensions).await
    }
}

/// Another server on a test server's database.
#[derive(Debug)]
pub struct Replica {
    app: App,
}

impl Replica {
    /// A client that is signed in as this user.
    #[must_use]
    pub fn client(&self, user: &str) -> Client {
        Client::of(&format!("http://{}", self.app.address()), user)
    }
}

/// The settings of a test server with this database.
fn settings(database_url: &str, flags: &[String]) -> Settings {
    let secret = ["--better-auth-secret", token::SECRET].map(str::to_owned);
    let flags: Vec<String> = secret.into_iter().chain(flags.to_vec()).collect();
    parse(database_url, &flags)
}

fn parse(database_url: &str, flags: &[String]) -> Settings {
    let mut arguments: Vec<String> = ["chatkit-server", "--database-pool=5", "--database-url"]
        .map(str::to_owned)
        .into();
    arguments.push(database_url.to_owned());
    if !flags.iter().any(|flag| flag.starts_with("--listen-addr")) {
        arguments.push("--listen-addr=127.0.0.1:0".to_owned());
    }
    arguments.extend_from_slice(flags);
    let cli = Cli::try_parse_from(arguments).unwrap();
    cli.settings.try_into().unwrap()
}
