//! Writing into the root's folder.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::Error;

/// The root's folder. Modes are what is said here, whatever the umask.
#[derive(Clone, Debug)]
pub struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// The tree in this folder.
    pub fn at(folder: &Path) -> Tree {
        Tree { folder: folder.to_owned() }
    }

    /// Where a path of the root lies on this machine. `/etc` of a running host is filled from `/usr/share/factory/etc`, so what
    /// is meant for the one goes to the other.
    pub fn place(&self, path: &str) -> PathBuf {
        let path = path.trim_start_matches('/');
        match path.strip_prefix("etc/") {
            Some(rest) => self.folder.join("usr/share/factory/etc").join(rest),
            None => self.folder.join(path),
        }
    }

    /// Makes a folder and those above it.
    pub fn folder(&self, path: &str) -> Result<(), Error> {
        self.folder_at(&self.place(path))
    }

    /// Writes a file in place of what is there.
    pub fn file(&self, path: &str, mode: u32, content: &[u8]) -> Result<(), Error> {
        let at = self.clear(path)?;
        let write = |source| Error::Write { path: at.clone(), source };
        fs::write(&at, content).map_err(write)?;
        fs::set_permissions(&at, Permissions::from_mode(mode)).map_err(write)
    }

    /// Makes a symbolic link in place of what is there.
    pub fn link(&self, path: &str, target: &str) -> Result<(), Error> {
        let at = self.clear(path)?;
        symlink(target, &at).map_err(|source| Error::Write { path: at, source })
    }

    /// Makes room for a file or link: the folders above it are there, and nothing of its name is.
    fn clear(&self, path: &str) -> Result<PathBuf, Error> {
        let at = self.place(path);
        if let Some(parent) = at.parent() {
            self.folder_at(parent)?;
        }
        if at.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Err(self.in_the_way(&at, "a folder"));
        }
        match fs::remove_file(&at) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Write { path: at, source }),
            _ => Ok(at),
        }
    }

    fn in_the_way(&self, at: &Path, found: &'static str) -> Error {
        let path = at.strip_prefix(&self.folder).unwrap_or(at).display().to_string();
        Error::InTheWay { path, found }
    }

    fn folder_at(&self, at: &Path) -> Result<(), Error> {
        if at.is_dir() {
            return Ok(());
        }
        if at.exists() {
            return Err(self.in_the_way(at, "a file"));
        }
        if let Some(parent) = at.parent().filter(|parent| parent.starts_with(&self.folder)) {
            self.folder_at(parent)?;
        }
        let write = |source| Error::Write { path: at.to_owned(), source };
        fs::create_dir_all(at).map_err(write)?;
        fs::set_permissions(at, Permissions::from_mode(0o755)).map_err(write)
    }
}

/// A whole file of the builder's.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
