//! The database that the settings name.

use std::path::PathBuf;

use anyhow::Context;
use chatkit_domain::{Erased, UserId};
use chatkit_repository::{DatabaseOptions, Stores};

use crate::{config::Settings, local};

/// Opens the database, and migrates it if the settings ask for that.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Stores> {
    if settings.auto_migrate {
        local::create_database(settings)?;
        chatkit_migration::up(settings.database_url.expose())
            .await
            .context("DATABASE_URL: the database cannot be opened")?;
    }
    connect(settings).await
}

/// Permanently removes everything of one user. Returns the numbers of conversations and tasks.
///
/// # Errors
/// When the database cannot be reached.
pub async fn erase(settings: &Settings, user_id: &UserId) -> anyhow::Result<Erased> {
    let stores = connect(settings).await?;
    Ok(stores.repositories.maintenance.erase_user(user_id).await?)
}

async fn connect(settings: &Settings) -> anyhow::Result<Stores> {
    local::create_database(settings)?;
    let url = settings.database_url.expose();
    let options = DatabaseOptions::new(url, chatkit_migration::latest())
        .with_pool(settings.database_pool)
        .with_locks(locks(settings));
    chatkit_repository::connect(options)
        .await
        .context("DATABASE_URL: the database cannot be opened")
}

/// The folder of the lock files that show which processes are alive. For a SQLite database, it is
/// the database's folder, because processes may share nothing else. Otherwise, it is the folder for
/// temporary files.
fn locks(settings: &Settings) -> PathBuf {
    let Some(file) = settings.database_url.sqlite_file() else {
        return std::env::temp_dir();
    };
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
