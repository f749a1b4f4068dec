//! Starting without configuration, on the user's own machine.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::config::Settings;

/// The user of a server that was started without configuration.
pub const LOCAL_USER: &str = "local";

/// Whether the server may make its own secret: no secret and no keys are configured, only programs
/// on this machine can reach the server, and its database is a file.
#[must_use]
pub fn is_local(settings: &Settings) -> bool {
    let is_open = settings.secret.is_none() && settings.jwks_url.is_none();
    is_open
        && settings.listen_addr.ip().is_loopback()
        && settings.database_url.sqlite_file().is_some()
}

/// Reads the secret that is stored beside the database file, readable by its owner only. Creates it
/// on the first call.
///
/// # Errors
/// When the settings are not local, or the file cannot be read or written.
pub fn secret(settings: &Settings) -> anyhow::Result<String> {
    let Some(database) = settings
        .database_url
        .sqlite_file()
        .filter(|_| is_local(settings))
    else {
        bail!(
            "set BETTER_AUTH_SECRET (or JWT_SECRET) or JWKS_URL: without either the server starts \
             only on a loopback address with SQLite, as otherwise it would be open to the world"
        );
    };
    let file = beside(&database);
    create(&file)?;
    check_private(&file)?;
    let mut secret = String::new();
    OpenOptions::new()
        .read(true)
        .open(&file)
        .and_then(|mut file| file.read_to_string(&mut secret))
        .with_context(|| format!("could not read {}", file.display()))?;
    let secret = secret.trim().to_owned();
    if secret.len() < 32 {
        bail!("{} holds no secret: delete it", file.display());
    }
    Ok(secret)
}

/// Creates the file of a SQLite database if the URL contains `mode=rwc`. The file is readable by
/// its owner only, because it contains conversations. SQLite gives the files beside it the same
/// permissions.
///
/// # Errors
/// When the file cannot be created.
pub fn create_database(settings: &Settings) -> anyhow::Result<()> {
    let url = settings.database_url.expose();
    let Some(file) = settings.database_url.sqlite_file() else {
        return Ok(());
    };
    if !url.contains("mode=rwc") {
        return Ok(());
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("DATABASE_URL: {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Refuses a secret that other users can read, and a link.
fn check_private(file: &Path) -> anyhow::Result<()> {
    let metadata = std::fs::symlink_metadata(file)
        .with_context(|| format!("could not read {}", file.display()))?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
        bail!(
            "{} must be a file that only its owner can read: delete it, chmod 600, or set \
             BETTER_AUTH_SECRET",
            file.display()
        );
    }
    Ok(())
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".secret");
    PathBuf::from(name)
}

/// Creates the secret if it is missing. It appears whole or not at all, so that two processes that
/// start at once agree.
fn create(file: &Path) -> anyhow::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("could not read random bytes")?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut draft = file.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let kept = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(hex.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| match std::fs::hard_link(&draft, file) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        });
    let _ = std::fs::remove_file(&draft);
    kept.with_context(|| format!("could not write {}", file.display()))
}
