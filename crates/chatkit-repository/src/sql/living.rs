//! Which owners of runs are dead for certain. Each holds a lock on a file of its own, which the
//! system releases however its process ends: whoever can lock it knows. Of an owner without a file
//! here only its leases tell.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

/// The files of the owners that use one database.
#[derive(Debug)]
pub(crate) struct Living {
    folder: PathBuf,
    prefix: String,
    /// Those of this process.
    held: Mutex<Vec<(PathBuf, File)>>,
}

/// An owner whose process has ended.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) owner: Uuid,
    file: PathBuf,
    /// Nobody else finds it meanwhile.
    _lock: File,
}

impl Dead {
    /// What it left is taken care of.
    pub(crate) fn forget(self) {
        // Who cannot remove it finds it again, and has nothing to do.
        let _ = fs::remove_file(self.file);
    }
}

impl Living {
    pub(crate) fn new(folder: PathBuf, prefix: String) -> Self {
        Self {
            folder,
            prefix,
            held: Mutex::default(),
        }
    }

    /// From now on this owner lives, until this is left, at the latest when it is dropped. Without
    /// a file that can be locked nobody will know for certain that it is dead.
    pub(crate) fn enter(&self, owner: Uuid) {
        let path = self.folder.join(format!("{}{owner}{SUFFIX}", self.prefix));
        match locked(&path) {
            Ok(file) => self.held().push((path, file)),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                folder = %self.folder.display(),
                "could not make a lock file: after a crash only leases tell"
            ),
        }
    }

    /// The owners of this process live no more.
    pub(crate) fn leave(&self) {
        for (path, _lock) in self.held().drain(..) {
            let _ = fs::remove_file(path);
        }
    }

    /// The owners that are dead for certain.
    pub(crate) fn dead(&self) -> Vec<Dead> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let file = entry.path();
                let owner = self.owner_of(&file)?;
                // Of a link or a pipe, which another user may have put there, nothing is known.
                if !fs::symlink_metadata(&file).ok()?.is_file() {
                    return None;
                }
                // Another user's file cannot be opened, and tells nothing.
                let lock = private().open(&file).ok()?;
                lock.try_lock().ok()?;
                Some(Dead {
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

impl Drop for Living {
    fn drop(&mut self) {
        self.leave();
    }
}

const SUFFIX: &str = ".lock";

/// A new file that is locked before anybody can find it.
fn locked(path: &Path) -> io::Result<File> {
    let draft = path.with_extension("draft");
    let file = private().create_new(true).open(&draft)?;
    let placed = file.lock().and_then(|()| fs::rename(&draft, path));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed.map(|()| file)
}

/// A file that only its owner reads.
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
    fn the_dead_are_told_from_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let living = |prefix: &str| Living::new(folder.path().to_owned(), prefix.to_owned());
        let [one, other, elsewhere] = [1, 2, 3].map(Uuid::from_u128);
        let (here, there) = (living("here-"), living("there-"));
        here.enter(one);
        there.enter(elsewhere);
        assert!(living("here-").dead().is_empty());
        // What a process that was killed leaves: a file without a lock.
        let left = folder.path().join(format!("here-{other}{SUFFIX}"));
        fs::write(left, "").unwrap();
        let dead = here.dead();
        let owners: Vec<_> = dead.iter().map(|dead| dead.owner).collect();
        assert_eq!(owners, [other]);
        dead.into_iter().for_each(Dead::forget);
        here.leave();
        assert!(living("here-").dead().is_empty());
    }
}
