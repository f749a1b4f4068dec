//! Which processes use a SQLite file: each holds a lock on a file beside it, which the system
//! releases however the process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// The lock of a process that uses the database.
#[derive(Debug)]
pub(crate) struct InUse(File);

impl InUse {
    /// Takes the lock beside a database, alone where no other process uses it.
    pub(crate) fn alone(database: &Path) -> io::Result<(Self, bool)> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(name)?;
        match file.try_lock() {
            Ok(()) => Ok((Self(file), true)),
            Err(TryLockError::WouldBlock) => Ok((Self(file), false)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// From now on others may use the database too. Waits for one that is alone, which is not
    /// for long.
    pub(crate) async fn share(self) -> io::Result<Self> {
        let shared = tokio::task::spawn_blocking(move || {
            self.0.lock_shared()?;
            Ok(self)
        });
        shared.await.map_err(io::Error::other)?
    }
}
