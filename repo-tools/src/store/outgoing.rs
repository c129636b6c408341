//! A target on its way into a store.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use release::{Digest, Hasher};
use tough::schema::Target;

use crate::error::{Error, Result};
use crate::files::Files;

/// A target being read: counted, hashed, and told about as it goes.
pub struct Outgoing<'a> {
    name: &'a str,
    target: &'a Target,
    from: PathBuf,
    reader: Hashing<Box<dyn Read + Send>>,
    tell: &'a (dyn Fn(u64) + Sync),
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is there.
    Whole,
    /// The source is not what was signed; nothing was written.
    Differs,
}

impl<'a> Outgoing<'a> {
    /// The file `name` in `dir`, which must be `target`; `tell` hears of every count of bytes read.
    pub fn open(
        files: &dyn Files,
        dir: &Path,
        (name, target): (&'a str, &'a Target),
        tell: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Self> {
        let from = dir.join(name);
        let reader = files.open(&from).map_err(|source| Error::ReadFile { path: from.clone(), source })?;
        Ok(Self { name, target, from, reader: Hashing::over(reader), tell })
    }

    /// The name under which it is to lie.
    pub fn name(&self) -> &str {
        self.name
    }

    /// How long it must be.
    pub fn length(&self) -> u64 {
        self.target.length
    }

    /// The file it comes from.
    pub fn from(&self) -> &Path {
        &self.from
    }

    /// Whether what was read so far is all of it.
    pub fn is_right(&self) -> bool {
        self.reader.is(self.target)
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        (self.tell)(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("name", &self.name).field("from", &self.from).finish_non_exhaustive()
    }
}

/// Counts and hashes what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    length: u64,
    hasher: Hasher,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn over(inner: R) -> Self {
        Self { inner, length: 0, hasher: Hasher::new() }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    fn is(&self, target: &Target) -> bool {
        self.length == target.length && self.digest().bytes().as_slice() == target.hashes.sha256.as_ref()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}
