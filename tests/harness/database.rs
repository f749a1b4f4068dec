//! A fresh database, with the schema in it.

use std::sync::OnceLock;

use chatkit_domain::Repositories;
use chatkit_repository::{DatabaseOptions, Stores};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::postgres::Cluster;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A database of the process's cluster.
    Postgres,
}

/// A fresh database with the schema in it, for as long as this value lives.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    folder: Option<TempDir>,
    name: Option<String>,
}

impl TestDatabase {
    /// A database that no other test uses.
    ///
    /// # Panics
    /// When it cannot be made.
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

    /// An empty database, without the schema.
    ///
    /// # Panics
    /// When it cannot be made.
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

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name in the cluster.
    ///
    /// # Panics
    /// When it is no database of the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().expect("a PostgreSQL database")
    }

    /// The folder of its file, for a SQLite database.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }

    /// The repositories of this database, as another replica has them.
    ///
    /// # Panics
    /// If the database cannot be reached.
    pub async fn repositories(&self) -> Repositories {
        self.stores().await.repositories
    }

    /// The ports of this database, as another replica has them.
    ///
    /// # Panics
    /// If the database cannot be reached.
    pub async fn stores(&self) -> Stores {
        let options = DatabaseOptions::new(&self.url, chatkit_migration::latest()).with_pool(4);
        chatkit_repository::connect(options).await.unwrap()
    }
}

/// Starting it blocks for a moment.
async fn cluster() -> &'static Cluster {
    tokio::task::spawn_blocking(Cluster::shared).await.unwrap()
}

/// A database that is migrated once and copied for each test.
async fn migrated_template(cluster: &'static Cluster) -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let name = NAME.get_or_init(|| cluster.create_database(None));
    MIGRATED
        .get_or_init(|| async { chatkit_migration::up(&cluster.url(name)).await.unwrap() })
        .await;
    name
}
