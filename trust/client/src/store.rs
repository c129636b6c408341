//! The trust store: `<role>.json`, bytes as received (design §10.5).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use trust_core::{Change, Finding, Role, Stored, Target, newest_root, stored_signed_at};

use crate::error::Error;
use crate::files::{Disk, Files};

/// A folder with what was trusted last.
///
/// Each file is replaced whole: temp file, fsync, rename, fsync of the folder. A cut leaves the old or the new file,
/// never a part of one, and at worst a temp file that the next write replaces.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    files: Arc<dyn Files>,
}

/// No role's name leads to it: those end in `.json`.
const KEPT: &str = "kept.target";
/// What targets.json says of it.
const FOUND: &str = "kept.found";
/// Larger files are none of ours.
const LARGEST: u64 = 64 << 20;

impl Store {
    /// Opens the folder, making it when it is not there. Nothing else is written until there is something to keep.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::over(Arc::new(Disk), folder)
    }

    /// [`Store::open`] on any file system, such as one that loses power.
    pub fn over(files: Arc<dyn Files>, folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder: PathBuf = folder.into();
        // A read-only state folder still serves what it holds.
        if !files.is_dir(&folder) {
            make(&*files, &folder).map_err(|source| Error::OpenStore { path: folder.clone(), source })?;
        }
        Ok(Self { folder, files })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stored bytes of a role, if they can be read. Whether they are worth anything is for the rules to say.
    pub fn read(&self, role: &Role) -> Option<Vec<u8>> {
        let path = self.path(role);
        let length = self.files.length(&path)?;
        if length > LARGEST {
            tracing::warn!(path = %path.display(), length, "stored metadata is too long, passed over");
            return None;
        }
        self.files.read(&path).ok()
    }

    /// What is stored, with the newer of the stored and the shipped root.
    ///
    /// # Errors
    /// When neither root is whole.
    pub fn recall(&self, shipped_root: &[u8]) -> Result<Stored, Error> {
        Ok(Stored { targets: self.read(&Role::Targets), ..self.recall_small(shipped_root)? })
    }

    /// The same, for who mostly asks for one target: what was found of it stands for the megabytes that it was found in, which
    /// are read when they are needed.
    pub(crate) fn recall_found(&self, shipped_root: &[u8]) -> Result<Stored, Error> {
        Ok(Stored { finding: self.finding(), ..self.recall_small(shipped_root)? })
    }

    fn recall_small(&self, shipped_root: &[u8]) -> Result<Stored, Error> {
        let stored = self.read(&Role::Root);
        let (root, note) = newest_root(stored.as_deref(), shipped_root)?;
        if let Some(why) = note {
            tracing::warn!(error = %why, "a root was passed over");
        }
        Ok(Stored {
            root: root.to_vec(),
            timestamp: self.read(&Role::Timestamp),
            snapshot: self.read(&Role::Snapshot),
            ..Stored::default()
        })
    }

    /// What was found last; a file that is not whole says nothing.
    fn finding(&self) -> Option<Finding> {
        let path = self.folder.join(FOUND);
        if self.files.length(&path)? > LARGEST {
            return None;
        }
        Finding::parse(&self.files.read(&path).ok()?)
    }

    /// Keeps what was found, in place of what was found before.
    pub(crate) fn keep_finding(&self, finding: &Finding) -> Result<(), Error> {
        let path = self.folder.join(FOUND);
        self.replace(&path, &finding.encode()).map_err(|source| Error::Keep { path, source })
    }

    /// When the newest trusted timestamp was signed, where its publisher says so. Anything that does not verify says
    /// nothing.
    pub fn signed_at(&self, shipped_root: &[u8]) -> Option<DateTime<Utc>> {
        let stored = self.read(&Role::Root);
        let (root, _) = newest_root(stored.as_deref(), shipped_root).ok()?;
        stored_signed_at(root, &self.read(&Role::Timestamp)?).ok()?
    }

    /// Does what a session asks for, in order.
    pub fn apply(&self, changes: &[Change]) -> Result<(), Error> {
        for change in changes {
            match change {
                Change::Keep { role, bytes } => self.keep(role, bytes)?,
                Change::Forget { role } => self.forget(role)?,
            }
        }
        Ok(())
    }

    /// The target that was kept last, if it is this one to the byte.
    pub(crate) fn kept(&self, target: &Target) -> Option<Vec<u8>> {
        let path = self.folder.join(KEPT);
        if self.files.length(&path)? != target.length {
            return None;
        }
        let bytes = self.files.read(&path).ok()?;
        target.check(&bytes).is_ok().then_some(bytes)
    }

    /// Keeps one target, in place of the one before.
    pub(crate) fn keep_target(&self, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(KEPT);
        self.replace(&path, bytes).map_err(|source| Error::Keep { path, source })
    }

    fn keep(&self, role: &Role, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(role);
        let kept = match self.replace(&path, bytes) {
            // What only saves requests makes room for what is trusted.
            Err(error) if is_full(&error) && self.give_up_hints() => self.replace(&path, bytes),
            kept => kept,
        };
        kept.map_err(|source| Error::Keep { path, source })
    }

    /// Removes what is kept of targets; whether there was any.
    fn give_up_hints(&self) -> bool {
        let removed = [KEPT, FOUND].map(|name| self.files.remove(&self.folder.join(name)).is_ok());
        removed.contains(&true)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let partial = path.with_extension("json.partial");
        let write = || {
            let mut file = self.files.create(&partial)?;
            file.write_all(bytes)?;
            file.sync()?;
            // A cut before the rename leaves the old file, after it the new one.
            self.files.rename(&partial, path)?;
            self.files.sync_dir(&self.folder)
        };
        write().inspect_err(|_| {
            // On a full disk the part that was written is in the way of the next try.
            let _ = self.files.remove(&partial);
        })
    }

    fn forget(&self, role: &Role) -> Result<(), Error> {
        let path = self.path(role);
        let remove = || match self.files.remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.files.sync_dir(&self.folder),
        };
        remove().map_err(|source| Error::Forget { path: path.clone(), source })
    }

    fn path(&self, role: &Role) -> PathBuf {
        self.folder.join(format!("{}.json", role.quoted()))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Makes the folder, and its name durable: files kept in a folder whose name a cut takes away are lost with it.
fn make(files: &dyn Files, folder: &Path) -> io::Result<()> {
    files.make_dirs(folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    files.sync_dir(parent.unwrap_or(Path::new(".")))
}
