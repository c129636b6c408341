//! Raw images, unpacked from frames into files without names.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use release::delta::BaseBlocks;
use release::payload::{Index, PackError, unpack};
use release::{Digest, Hasher};

use super::Refusal;
use crate::delegated::quoted;
use crate::draft::{Blob, Draft};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::folder::Folder;
use crate::metadata::MAX_METADATA;
use crate::source::{Sink, Source, Streamed};

/// Frames and indexes of the draft's releases: from the working folder, else from a published copy.
pub(super) struct Stock<'a> {
    pub(super) folder: &'a Folder,
    pub(super) files: &'a Arc<dyn Files>,
    pub(super) draft: &'a Draft,
    pub(super) source: Option<&'a dyn Source>,
}

/// A large file that nobody else sees.
pub(super) struct Scratch {
    file: File,
    dir: PathBuf,
}

impl Stock<'_> {
    /// An index, and its digest.
    pub(super) fn index(&self, name: &str) -> Result<(Index, Digest)> {
        let blob = self.blob(name)?;
        let path = self.folder.blobs_dir().join(blob.file_name(name));
        let mut bytes = Vec::new();
        if let Some(reader) = self.open(name, blob)? {
            let read = reader.take(blob.length.min(MAX_METADATA)).read_to_end(&mut bytes);
            read.map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        } else {
            let mut sink = |part: &[u8]| {
                bytes.extend_from_slice(part);
                Ok(())
            };
            self.fetch(name, blob, &mut sink)?;
        }
        if Digest::of(&bytes) != blob.sha256 {
            return Err(Error::BlobDiffers { path });
        }
        let index = Index::parse(&bytes);
        let index = index.map_err(|error| wrong(name, error.to_string()))?;
        Ok((index, blob.sha256))
    }

    /// The raw image of these frames, every piece checked. `tell` gets the bytes that are done.
    pub(super) fn unpack(&self, name: &str, index: &Index, tell: &mut dyn FnMut(u64)) -> Result<Scratch> {
        let blob = self.blob(name)?;
        let path = self.folder.blobs_dir().join(blob.file_name(name));
        let mut frames: Box<dyn Read> = match self.open(name, blob)? {
            Some(reader) => Box::new(BufReader::with_capacity(READ, reader)),
            None => Box::new(self.fetched(name, blob)?.into_reader()?),
        };
        let raw = self.scratch()?;
        let mut out = BufWriter::with_capacity(READ, &raw.file);
        unpack(index, &mut frames, &mut out, |at| tell(at.raw)).map_err(|error| match error {
            PackError::Write(source) => raw.unwritten(source),
            PackError::Read(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                Error::ReadFile { path, source }
            }
            source => Refusal::Damaged { path, source }.ends(),
        })?;
        drop(out);
        Ok(raw)
    }

    /// A new file without a name, beside the blobs.
    pub(super) fn scratch(&self) -> Result<Scratch> {
        let dir = self.folder.blobs_dir();
        match self.files.scratch(&dir) {
            Ok(file) => Ok(Scratch { file, dir }),
            Err(source) => Err(Error::WriteFile { path: dir, source }),
        }
    }

    /// What the draft names.
    fn blob(&self, name: &str) -> Result<Blob> {
        let known = self.draft.targets.get(name).copied();
        known.ok_or_else(|| Error::TargetName { name: name.to_owned() })
    }

    /// The blob in the working folder; `None`: it is elsewhere.
    fn open(&self, name: &str, blob: Blob) -> Result<Option<Box<dyn Read + Send>>> {
        let path = self.folder.blobs_dir().join(blob.file_name(name));
        let read = |source| Error::ReadFile { path: path.clone(), source };
        if self.files.length(&path).map_err(read)?.is_some() {
            return self.files.open(&path).map(Some).map_err(read);
        }
        if self.source.is_some() { Ok(None) } else { Err(Refusal::Missing { path }.ends()) }
    }

    /// A whole blob of the source, its digest right.
    fn fetched(&self, name: &str, blob: Blob) -> Result<Scratch> {
        let kept = self.scratch()?;
        let mut out = BufWriter::with_capacity(READ, &kept.file);
        self.fetch(name, blob, &mut |part| out.write_all(part).map_err(|source| kept.unwritten(source)))?;
        out.flush().map_err(|source| kept.unwritten(source))?;
        drop(out);
        Ok(kept)
    }

    fn fetch(&self, name: &str, blob: Blob, sink: &mut Sink<'_>) -> Result<()> {
        let nowhere = || Refusal::Nowhere { name: name.to_owned() }.ends();
        let source = self.source.ok_or_else(nowhere)?;
        let (mut hasher, mut length) = (Hasher::new(), 0_u64);
        let path = format!("{}.{}", blob.sha256, quoted(name));
        let streamed = source.target(&path, blob.length, &mut |part| {
            hasher.update(part);
            length = length.saturating_add(part.len() as u64);
            // What is too long is wrong already, and may be without end.
            if length > blob.length { Ok(()) } else { sink(part) }
        })?;
        let found = match streamed {
            Streamed::Missing => return Err(nowhere()),
            Streamed::Refused(reason) => reason,
            Streamed::Whole => match hasher.finish() {
                found if found == blob.sha256 && length == blob.length => return Ok(()),
                found => found.to_string(),
            },
        };
        Err(Refusal::Fetched { name: name.to_owned(), expected: blob.sha256.to_string(), found }.ends())
    }
}

impl Scratch {
    /// From its start on.
    pub(super) fn reader(&self) -> Result<impl Read + '_> {
        let file = io::Seek::rewind(&mut &self.file).map(|()| &self.file);
        file.map(|file| BufReader::with_capacity(READ, file)).map_err(|source| self.unread(source))
    }

    fn into_reader(self) -> Result<impl Read> {
        let file = io::Seek::rewind(&mut &self.file);
        file.map_err(|source| self.unread(source))?;
        Ok(BufReader::with_capacity(READ, self.file))
    }

    /// At its end.
    pub(super) fn writer(&self) -> impl Write + '_ {
        BufWriter::with_capacity(READ, &self.file)
    }

    /// What it is called where something is said of it.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(UNNAMED)
    }

    /// Why it cannot be written: as a rule the disk is full.
    pub(super) fn unwritten(&self, source: io::Error) -> Error {
        Error::WriteFile { path: self.path(), source }
    }

    /// Why it cannot be read.
    pub(super) fn unread(&self, source: io::Error) -> Error {
        Error::ReadFile { path: self.path(), source }
    }
}

impl BaseBlocks for Scratch {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }
}

fn wrong(name: &str, reason: String) -> Error {
    Error::HostTarget { name: name.to_owned(), reason }
}

const UNNAMED: &str = "(scratch file)";
const READ: usize = 1 << 20;
