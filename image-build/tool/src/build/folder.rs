//! `--out`: nothing half-written ever has a final name.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::Error;

/// The folder to write to, held by this build. All work is done in a folder within it, on the same file system; what is left of
/// it, by an error or by a kill, is removed.
#[derive(Debug)]
pub(super) struct Folder {
    out: PathBuf,
    partial: PathBuf,
    made: bool,
    lock: File,
}

impl Folder {
    pub(super) fn open(out: &Path) -> Result<Folder, Error> {
        let write = |source| Error::Write { path: out.to_owned(), source };
        let made = !out.exists();
        fs::create_dir_all(out).map_err(write)?;
        let lock = File::open(out).map_err(write)?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            return Err(match error {
                rustix::io::Errno::WOULDBLOCK => Error::Locked { path: out.to_owned() },
                other => write(other.into()),
            });
        }
        // Absolute, since known programs run in other folders.
        let out = fs::canonicalize(out).map_err(write)?;
        let folder = Folder { partial: out.join(PARTIAL), out, made, lock };
        remove(&folder.partial)?;
        fs::create_dir(&folder.partial)
            .map_err(|source| Error::Write { path: folder.partial.clone(), source })?;
        Ok(folder)
    }

    /// Where the work is done.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives these files and folders their final names, in this order. What had a name before is removed first; a cut in between
    /// leaves fewer files, never half of one.
    pub(super) fn finish(&self, names: &[&str], gone: &[&str]) -> Result<(), Error> {
        // build.json vouches for the others: it goes first and comes last.
        for name in names.iter().rev().chain(gone) {
            remove(&self.out.join(name))?;
        }
        for name in names {
            let to = self.out.join(name);
            fs::rename(self.partial.join(name), &to).map_err(|source| Error::Write { path: to, source })?;
        }
        self.lock.sync_all().map_err(|source| Error::Write { path: self.out.clone(), source })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: the next build removes what is left here.
        let _ = remove(&self.partial);
        if self.made {
            // Only when nothing was finished, for then it is empty.
            let _ = fs::remove_dir(&self.out);
        }
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(Error::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

const PARTIAL: &str = ".partial";
