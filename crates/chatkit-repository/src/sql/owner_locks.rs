//! Lock files that show which owners of runs are dead. Each owner locks a file of its own. The
//! operating system releases the lock however the process ends, so a process that can lock the file
//! knows that its owner is dead. For an owner without a file on this machine, only the leases
//! count.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

/// The lock files of the owners that use one database.
#[derive(Debug)]
pub(crate) struct OwnerLocks {
    folder: PathBuf,
    prefix: String,
    /// The locked files of this process.
    held: Mutex<Vec<(PathBuf, File)>>,
}

/// An owner whose process has ended.
#[derive(Debug)]
pub(crate) struct DeadOwner {
    pub(crate) owner: Uuid,
    file: PathBuf,
    /// Keeps other processes from finding the same owner.
    _lock: File,
}

impl DeadOwner {
    /// Removes the file. Call this when the owner's leases have ended.
    pub(crate) fn forget(self) {
        // If the removal fails, the next process finds the file again, which is harmless.
        let _ = fs::remove_file(self.file);
    }
}

impl OwnerLocks {
    pub(crate) fn new(folder: PathBuf, prefix: String) -> Self {
        Self {
            folder,
            prefix,
            held: Mutex::default(),
        }
    }

    /// Marks an owner as alive until [`leave`](Self::leave) or until this value is dropped. If the
    /// file cannot be locked, other processes must wait for the owner's leases to expire.
    pub(crate) fn enter(&self, owner: Uuid) {
        let path = self.folder.join(format!("{}{owner}{SUFFIX}", self.prefix));
        match locked(&path) {
            Ok(file) => self.held().push((path, file)),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                folder = %self.folder.display(),
                "could not create a lock file, so only leases show that this process is dead"
            ),
        }
    }

    /// Removes the lock files of this process.
    pub(crate) fn leave(&self) {
        for (path, _lock) in self.held().drain(..) {
            let _ = fs::remove_file(path);
        }
    }

    /// Returns the owners that are known to be dead.
    pub(crate) fn dead(&self) -> Vec<DeadOwner> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let file = entry.path();
                let owner = self.owner_of(&file)?;
                // Ignore a link or a pipe. Another user may have created it.
                if !fs::symlink_metadata(&file).ok()?.is_file() {
                    return None;
                }
                // A file of another user cannot be opened, so its owner is unknown.
                let lock = private().open(&file).ok()?;
                lock.try_lock().ok()?;
                Some(DeadOwner {
                    owner,
                    file,
                    _lock: lock,
                })
            })
            .collect()
    }

    fn owner_of(&self, path: &Path) -> Option<Uuid> {
        let name = path.file_name()?.to_str()?;
        let owner = name.strip_prefix(&self.prefix)?.strip_suffix(SUFFIX)?;
        Uuid::parse_str(owner).ok()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<(PathBuf, File)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnerLocks {
    fn drop(&mut self) {
        self.leave();
    }
}

const SUFFIX: &str = ".lock";

/// Creates a file that is locked before other processes can find it.
fn locked(path: &Path) -> io::Result<File> {
    let draft = path.with_extension("draft");
    let file = private().create_new(true).open(&draft)?;
    let placed = file.lock().and_then(|()| fs::rename(&draft, path));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed.map(|()| file)
}

/// Returns options for a file that only its owner can access.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_owners_are_distinguished_from_live_ones() {
        let folder = tempfile::tempdir().unwrap();
        let owner_locks =
            |prefix: &str| OwnerLocks::new(folder.path().to_owned(), prefix.to_owned());
        let [one, other, elsewhere] = [1, 2, 3].map(Uuid::from_u128);
        let (here, there) = (owner_locks("here-"), owner_locks("there-"));
        here.enter(one);
        there.enter(elsewhere);
        assert!(owner_locks("here-").dead().is_empty());
        // A killed process leaves a file without a lock.
        let left = folder.path().join(format!("here-{other}{SUFFIX}"));
        fs::write(left, "").unwrap();
        let dead = here.dead();
        let owners: Vec<_> = dead.iter().map(|dead| dead.owner).collect();
        assert_eq!(owners, [other]);
        dead.into_iter().for_each(DeadOwner::forget);
        here.leave();
        assert!(owner_locks("here-").dead().is_empty());
    }
}
