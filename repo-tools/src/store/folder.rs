//! A folder with `metadata/` and `targets/` in it, on any [`Files`].

use std::path::{Path, PathBuf};

use release::Digest;

use super::{Entry, Found, Hold, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::for_hosts;
use crate::source::Streamed;

/// A folder that hosts read. Every file is written under a partial name, flushed, renamed, and its folder flushed.
#[derive(Debug)]
pub struct FolderStore<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
}

impl<'a> FolderStore<'a> {
    /// The folder `dir`, there or not.
    pub fn new(files: &'a dyn Files, dir: &Path) -> Self {
        Self { files, dir: dir.to_owned() }
    }

    fn part(&self, part: Part) -> PathBuf {
        self.dir.join(part.name())
    }

    fn path(&self, part: Part, name: &str) -> PathBuf {
        self.part(part).join(name)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        for_hosts::put_bytes(self.files, path, bytes)
    }
}

impl Store for FolderStore<'_> {
    fn place(&self) -> String {
        self.dir.display().to_string()
    }

    fn begin(&self, parts: &[Part]) -> Result<Hold> {
        let dirs: Vec<PathBuf> = parts.iter().map(|part| self.part(*part)).collect();
        for_hosts::begin(self.files, &self.part(Part::Metadata), &dirs).map(Hold::Alone)
    }

    fn at_once(&self) -> usize {
        1
    }

    fn reading(&self) -> Reading {
        Reading::Cheap
    }

    fn list(&self, part: Part) -> Result<Vec<Entry>> {
        let dir = self.part(part);
        let read = |path: &Path, source| Error::ReadFile { path: path.to_owned(), source };
        let mut entries = Vec::new();
        for name in self.files.names(&dir).map_err(|source| read(&dir, source))? {
            let path = dir.join(&name);
            // One that went away meanwhile is not there.
            let Some(length) = self.files.length(&path).map_err(|source| read(&path, source))? else {
                continue;
            };
            let modified = self.files.modified(&path).map_err(|source| read(&path, source))?;
            entries.push(Entry { name, length, modified });
        }
        Ok(entries)
    }

    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>> {
        let path = self.path(part, name);
        let bytes = files::read(self.files, &path, max).map_err(|source| Error::ReadFile { path, source })?;
        Ok(bytes.map(|bytes| Found { tag: tag(&bytes), bytes }))
    }

    fn stream(&self, part: Part, name: &str, length: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Streamed> {
        files::stream(self.files, &self.path(part, name), length, sink)
            .map(|found| if found { Streamed::Whole } else { Streamed::Missing })
            .map_err(|source| Error::ReadFile { path: self.path(part, name), source })
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New> {
        let path = self.path(Part::Metadata, name);
        let there =
            self.files.length(&path).map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        if there.is_some() {
            return Ok(New::Taken);
        }
        self.put(&path, bytes).map(|()| New::Written)
    }

    /// The lock of [`begin`](Store::begin) makes reading and renaming one step.
    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap> {
        let found = self.read(Part::Metadata, name, MAX_SWAPPED)?;
        if found.as_ref().map(|found| &found.tag) != before {
            return Ok(Swap::Changed);
        }
        self.put(&self.path(Part::Metadata, name), bytes).map(|()| Swap::Done)
    }

    fn closed(&self) -> Result<Vec<PathBuf>> {
        for_hosts::closed(self.files, &self.dir)
    }

    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent> {
        let path = self.path(Part::Targets, blob.name());
        let put = for_hosts::partial(self.files, &path)
            .and_then(|partial| partial.put(&path, blob, Outgoing::is_right));
        match put {
            Ok(true) => Ok(Sent::Whole),
            Ok(false) => Ok(Sent::Differs),
            Err(source) => Err(Error::WriteFile { path, source }),
        }
    }

    fn remove(&self, part: Part, name: &str) -> Result<()> {
        let path = self.path(part, name);
        match self.files.remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::WriteFile { path, source: error });
            }
            _ => {}
        }
        let dir = self.part(part);
        self.files.sync_dir(&dir).map_err(|source| Error::WriteFile { path: dir, source })
    }
}

fn tag(bytes: &[u8]) -> Tag {
    Tag(Digest::of(bytes).to_string())
}

const MAX_SWAPPED: u64 = 16 << 20;
