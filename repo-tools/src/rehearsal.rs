//! `--dry-run`: a file system that remembers what would be written and writes nothing.
//!
//! A verb runs on it as it runs on the disk and reads back what it wrote, so that a rehearsal fails where the real run
//! would. Only what goes through [`Files`] is held back.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::files::{self, Files, Lock, NewFile};

/// What lies over the files below: read first, never written through.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    below: Arc<dyn Files>,
    over: Arc<Mutex<BTreeMap<PathBuf, Entry>>>,
    elsewhere: Arc<Mutex<Vec<Change>>>,
}

/// A file that would be another one after the real run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its final name.
    pub path: PathBuf,
    /// What would become of it.
    pub kind: Kind,
    /// Its new length in bytes; 0 when it is removed.
    pub length: u64,
}

/// What would become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It comes.
    Made,
    /// It gets other bytes.
    Replaced,
    /// It goes.
    Removed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            Kind::Made => write!(f, "would make {path} ({} bytes)", self.length),
            Kind::Replaced => write!(f, "would replace {path} ({} bytes)", self.length),
            Kind::Removed => write!(f, "would remove {path}"),
        }
    }
}

#[derive(Debug, Clone)]
enum Entry {
    Folder,
    Whole(Arc<[u8]>),
    /// Too long to be kept; memory stays bounded whatever the images.
    Counted(u64),
    /// Another name for a file below.
    Below(PathBuf),
    Gone,
}

impl Rehearsal {
    /// Over `below`, with nothing written yet.
    pub fn over(below: Arc<dyn Files>) -> Self {
        Self { below, over: Arc::default(), elsewhere: Arc::default() }
    }

    /// The files as they are.
    pub fn below(&self) -> Arc<dyn Files> {
        Arc::clone(&self.below)
    }

    /// The files that would be other ones, by path; after them, what was [noted](Self::note). A file that would get the bytes it has is none of them.
    pub fn changes(&self) -> io::Result<Vec<Change>> {
        let entries = self.entries().clone();
        let mut changes = Vec::new();
        for (path, entry) in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if matches!(entry, Entry::Folder) || files::is_partial(&name) {
                continue;
            }
            let there = self.below.length(&path)?.is_some();
            let (kind, length) = match entry {
                Entry::Gone if there => (Kind::Removed, 0),
                Entry::Gone | Entry::Folder => continue,
                _ if there && self.is_same(&path, &entry)? => continue,
                _ => (if there { Kind::Replaced } else { Kind::Made }, self.length(&path)?.unwrap_or(0)),
            };
            changes.push(Change { path, kind, length });
        }
        changes.extend(self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        Ok(changes)
    }

    /// Remembers what would be written past the files, to a bucket.
    pub fn note(&self, path: impl Into<PathBuf>, kind: Kind, length: u64) {
        let change = Change { path: path.into(), kind, length };
        self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// [`Self::note`] for a file that is too long to be rehearsed.
    pub fn note_file(&self, path: &Path, length: u64) {
        let there = self.below.length(path).is_ok_and(|found| found.is_some());
        self.note(path, if there { Kind::Replaced } else { Kind::Made }, length);
    }

    fn is_same(&self, path: &Path, entry: &Entry) -> io::Result<bool> {
        let Entry::Whole(bytes) = entry else { return Ok(false) };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.below.length(path)? != Some(length) {
            return Ok(false);
        }
        Ok(files::read(self.below.as_ref(), path, length)?.as_deref() == Some(bytes))
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Entry>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, path: &Path) -> Option<Entry> {
        self.entries().get(&plain(path)).cloned()
    }

    fn put(&self, path: &Path, entry: Entry) {
        self.entries().insert(plain(path), entry);
    }

    fn is_there(&self, path: &Path) -> io::Result<bool> {
        // A folder has a length too.
        Ok(self.length(path)?.is_some())
    }
}

impl Files for Rehearsal {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        if self.is_there(dir)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !self.is_there(parent).unwrap_or(false)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.put(dir, Entry::Folder);
        Ok(())
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        match self.entry(file) {
            None => self.below.open(file),
            Some(Entry::Whole(bytes)) => Ok(Box::new(Cursor::new(bytes))),
            Some(Entry::Below(path)) => self.below.open(&path),
            Some(Entry::Gone) => Err(io::ErrorKind::NotFound.into()),
            Some(Entry::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            Some(Entry::Counted(_)) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a dry run keeps no file of this length, so it cannot read it back",
            )),
        }
    }

    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        match self.entry(file) {
            None => self.below.length(file),
            Some(Entry::Whole(bytes)) => Ok(u64::try_from(bytes.len()).ok()),
            Some(Entry::Counted(length)) => Ok(Some(length)),
            Some(Entry::Below(path)) => self.below.length(&path),
            Some(Entry::Folder) => Ok(Some(0)),
            Some(Entry::Gone) => Ok(None),
        }
    }

    fn modified(&self, file: &Path) -> io::Result<Option<DateTime<Utc>>> {
        // What would be written is younger than anything.
        if self.entry(file).is_some() { Ok(None) } else { self.below.modified(file) }
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = match self.entry(dir) {
            Some(Entry::Folder) => Vec::new(),
            _ => self.below.names(dir)?,
        };
        let dir = plain(dir);
        for (path, entry) in self.entries().iter().filter(|(path, _)| path.parent() == Some(&dir)) {
            let Some(name) = path.file_name() else { continue };
            let name = name.to_string_lossy().into_owned();
            names.retain(|other| *other != name);
            if !matches!(entry, Entry::Gone) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !self.is_there(parent).unwrap_or(false)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.put(file, Entry::Whole(Arc::default()));
        Ok(Box::new(Writing { to: self.clone(), path: file.to_owned(), bytes: Vec::new(), length: 0 }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let entry = match self.entry(from) {
            Some(Entry::Gone) => return Err(io::ErrorKind::NotFound.into()),
            Some(entry) => entry,
            None if self.below.length(from)?.is_some() => Entry::Below(from.to_owned()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        self.put(to, entry);
        self.put(from, Entry::Gone);
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        if !self.is_there(file)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.put(file, Entry::Gone);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.is_there(from)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !self.is_there(to)? {
            // One that lies over the disk already is shared; one below is read where it is.
            let entry = self.entry(from).unwrap_or_else(|| Entry::Below(from.to_owned()));
            self.put(to, entry);
        }
        Ok(())
    }

    fn is_closed(&self, path: &Path) -> io::Result<bool> {
        // What would be written would be opened.
        if self.entry(path).is_some() { Ok(false) } else { self.below.is_closed(path) }
    }

    fn scratch(&self, dir: &Path) -> io::Result<File> {
        // It has no name, so nothing of it stays.
        self.below.scratch(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        // A folder that is not there yet is nobody's.
        if self.below.length(dir)?.is_none() { Ok(Lock::none()) } else { self.below.lock(dir) }
    }
}

struct Writing {
    to: Rehearsal,
    path: PathBuf,
    bytes: Vec<u8>,
    length: u64,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.length <= KEPT {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Writing {
    fn sync(&mut self) -> io::Result<()> {
        let entry = if self.length <= KEPT {
            Entry::Whole(Arc::from(self.bytes.as_slice()))
        } else {
            Entry::Counted(self.length)
        };
        self.to.put(&self.path, entry);
        Ok(())
    }
}

/// One spelling for one file: `./a//b` is `a/b`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// Metadata, manifests and indexes are below it; frames of an image may be above.
const KEPT: u64 = 32 << 20;
