//! New databases for tests.

use std::sync::OnceLock;

use chatkit_domain::Repositories;
use chatkit_repository::{DatabaseOptions, Stores};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::postgres::Cluster;

/// The kind of database that a test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL database of this process's cluster.
    Postgres,
}

/// A new database, which exists until this value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    folder: Option<TempDir>,
    name: Option<String>,
}

impl TestDatabase {
    /// Creates a database with the schema, which no other test uses.
    ///
    /// # Panics
    /// When the database cannot be created.
    pub async fn fresh(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}/chatkit.db?mode=rwc", folder.path().display());
                chatkit_migration::up(&url).await.unwrap();
                Self {
                    url,
                    folder: Some(folder),
                    name: None,
                }
            }
            Backend::Postgres => {
                let cluster = cluster().await;
                let template = migrated_template(cluster).await.to_owned();
                let name =
                    tokio::task::spawn_blocking(move || cluster.create_database(Some(&template)))
                        .await
                        .unwrap();
                Self {
                    url: cluster.url(&name),
                    folder: None,
                    name: Some(name),
                }
            }
        }
    }

    /// Creates an empty database, without the schema.
    ///
    /// # Panics
    /// When the database cannot be created.
    pub async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                Self {
                    url: format!("sqlite://{}/chatkit.db?mode=rwc", folder.path().display()),
                    folder: Some(folder),
                    name: None,
                }
            }
            Backend::Postgres => {
                let name = cluster().await.create_database(None);
                Self {
                    url: Cluster::shared().url(&name),
                    folder: None,
                    name: Some(name),
                }
            }
        }
    }

    /// The URL of the database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database in the cluster.
    ///
    /// # Panics
    /// When the database is not a PostgreSQL database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().expect("a PostgreSQL database")
    }

    /// The folder of the file of a SQLite database.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }

    /// Opens the repositories of this database, as another replica would.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn repositories(&self) -> Repositories {
        self.stores().await.repositories
    }

    /// Opens all ports of this database, as another replica would.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn stores(&self) -> Stores {
        let options = DatabaseOptions::new(&self.url, chatkit_migration::latest()).with_pool(4);
        chatkit_repository::connect(options).await.unwrap()
    }
}

/// Returns the cluster of this process. Starting the cluster blocks, so another thread does it.
async fn cluster() -> &'static Cluster {
    tokio::task::spawn_blocking(Cluster::shared).await.unwrap()
}

/// Returns the name of a database that is migrated once and copied for each test.
async fn migrated_template(cluster: &'static Cluster) -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let name = NAME.get_or_init(|| cluster.create_database(None));
    MIGRATED
        .get_or_init(|| async { chatkit_migration::up(&cluster.url(name)).await.unwrap() })
        .await;
    name
}
